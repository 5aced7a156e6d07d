-- Does this database hold tables, and is it no dataset's?
-- >> is_foreign  boolean
select to_regclass('public.table_db_mapping') is null
       and exists (select from pg_class
                    where relkind in ('r', 'p', 'v', 'm') and relnamespace = 'public'::regnamespace) is_foreign;
