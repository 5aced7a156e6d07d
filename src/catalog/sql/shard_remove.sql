-- Take a shard out of the public views and drop it with all it holds.
-- $1 name  text
-- >> done  void
select catalog.shard_remove($1::text) done;
