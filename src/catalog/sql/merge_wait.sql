-- Wait until all merges into a shard that have begun are over, those of processes that were killed among them.
-- $1 shard  text
-- >> ok     boolean
select pg_advisory_xact_lock(hashtext('catalog.bulk'), hashtext($1::text)) is null ok;
