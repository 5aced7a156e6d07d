-- The columns of the dataset's tables, in their order, with what is known of them.
-- >> name         text
-- >> type         text  in a table that has it here; null: none has
-- >> unit         text
-- >> description  text
select c.columnname::text "name", t.type, c.unit::text unit, c.description::text description
  from public.data_column c
  left join lateral (select format_type(a.atttypid, a.atttypmod) "type"
                       from public.loaded_copy l
                       join pg_attribute a on a.attrelid = to_regclass(format('public.%I', l.tablename)) and a.attname = c.columnname
                      where a.attnum > 0 and not a.attisdropped
                      limit 1) t on true
 order by c.place, c.columnname;
