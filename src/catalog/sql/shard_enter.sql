-- Enter a shard and make its schema.
-- $1 name      text
-- $2 path      text
-- $3 unlogged  boolean
-- >> done      void
select catalog.shard_enter($1::text, $2::text, $3::boolean) done;
