-- Note that a first load begins or ends.
-- $1 shard  text
-- $2 bulk   boolean
update public.shards
   set sh_bulk = $2::boolean
 where sh_code = $1::text;
