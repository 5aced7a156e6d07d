-- Build the indexes of a shard just made, let people read it, and put it into the public views.
-- $1 name  text
-- >> done  void
select catalog.shard_finish($1::text) done;
