-- The indexes that a shard lacks, those that take longest first.
-- $1 late  boolean  those that only people in psql ask through, or those that queries of Strata need
-- >> name  text
select name
  from catalog.missing_indexes($1::boolean) name;
