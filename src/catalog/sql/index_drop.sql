-- Drop a shard's indexes.
-- >> done  void
select catalog.drop_indexes() done;
