-- The indexes that a shard lacks, those that take longest first.
-- >> name  text
select name
  from catalog.missing_indexes() name;
