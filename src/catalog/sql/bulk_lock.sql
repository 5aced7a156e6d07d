-- Take the right to load a shard without indexes, for the session; false when another one loads it.
-- $1 shard  text
-- >> got    boolean
select pg_try_advisory_lock(hashtext('catalog.bulk'), hashtext($1::text)) got;
