-- The statement that has PostgreSQL take a statement apart: as the body of a function, which is rolled back.
-- $1 sql        text
-- >> statement  text
select 'create function staging.strata_check() returns void language sql begin atomic ' || $1::text || e'\n; end' as statement;
