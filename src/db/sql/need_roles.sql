-- The statements that make the roles which are missing on this server.
-- $1 owner   text  owns the database and everything in it; cannot log in by itself
-- $2 reader  text  may only read
-- >> statement  text
select format('create role %I nologin', $1::text) as statement
 where not exists (select from pg_roles where rolname = $1::text)
 union all
select format('create role %I login', $2::text)
 where not exists (select from pg_roles where rolname = $2::text) and $2::text <> $1::text;
