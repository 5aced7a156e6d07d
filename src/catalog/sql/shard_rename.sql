-- Give a shard and its schema another name.
-- $1 name      text
-- $2 new_name  text
-- >> done      void
select catalog.shard_rename($1::text, $2::text) done;
