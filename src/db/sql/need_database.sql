-- The statement that makes a database when it is missing.
-- $1 database  text
-- $2 owner     text
-- >> statement  text
select format('create database %I owner %I template template0 encoding ''UTF8'' locale ''C.UTF-8''',
              $1::text, $2::text) as statement
 where not exists (select from pg_database where datname = $1::text);
