-- Build one of a shard's indexes.
-- $1 name  text
-- >> done  void
select catalog.build_index($1::text) done;
