-- One at a time adds to the counts of a shard's directories: held until the transaction ends.
-- $1 shard  text
-- >> ok     boolean
select pg_advisory_xact_lock(hashtext('catalog.tally'), hashtext($1::text)) is null ok;
