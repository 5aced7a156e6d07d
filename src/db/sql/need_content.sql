-- The statements that make what is missing in the connected database, as the seed has it: PostGIS in public, where the
-- owner may make objects and find its coordinate systems; everybody on this server may read what the owner makes there.
-- $1 owner   text
-- $2 reader  text
-- >> statement  text
select statement
  from (values
       (1, 'create extension if not exists postgis schema public',
           exists (select from pg_extension where extname = 'postgis')),
       (2, format('alter schema public owner to %I', $1::text),
           exists (select from pg_namespace where nspname = 'public' and nspowner = to_regrole(quote_ident($1::text)))),
       (3, format('grant all on public.spatial_ref_sys to %I', $1::text),
           coalesce(has_table_privilege($1::text, to_regclass('public.spatial_ref_sys'), 'insert, update, delete'), false)),
       (4, format('alter default privileges for role %I in schema public grant select on tables to public', $1::text),
           exists (select from pg_default_acl d join pg_namespace n on n.oid = d.defaclnamespace
                    where n.nspname = 'public' and d.defaclobjtype = 'r' and d.defaclrole = to_regrole(quote_ident($1::text)))),
       (5, format('grant connect on database %I to %I', current_database(), $2::text),
           has_database_privilege($2::text, current_database(), 'connect'))
       ) as need (step, statement, done)
 where not done
 order by step;
