-- Wait until no bulk load of the shard is under way, and keep one from starting until the transaction ends.
-- $1 shard  text
-- >> ok     boolean
select pg_advisory_xact_lock_shared(hashtext('catalog.bulk'), hashtext($1::text)) is null ok;
