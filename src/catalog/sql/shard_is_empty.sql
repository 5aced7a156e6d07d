-- Does the shard hold no path at all?
-- >> empty  boolean
select not exists (select from paths) empty;
