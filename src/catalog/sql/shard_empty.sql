-- Empty all relations of a shard.
-- $1 name  text
-- >> done  void
select catalog.shard_empty($1::text) done;
