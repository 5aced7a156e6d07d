-- One at a time removes paths of a shard, until the transaction ends: two that remove the same would both subtract it.
-- $1 shard  text
-- >> ok     boolean
select pg_advisory_xact_lock(hashtext('catalog.gone'), hashtext($1::text)) is null ok;
