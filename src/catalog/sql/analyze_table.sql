-- Let the planner look at one of a shard's tables.
-- $1 name  text
-- >> done  void
select catalog.analyze_table($1::text) done;
