-- The statement that makes a dataset's database where it is missing.
-- $1 database   text
-- >> statement  text
select format('create database %I template template0 encoding ''UTF8'' locale ''C.UTF-8''', $1::text) as statement
 where not exists (select from pg_database where datname = $1::text);
