-- Is there anything that the shard's coverage does not hold?
-- >> waits  boolean
select exists (select from coverage_due) or exists (select from coverage_new) waits;
