-- Wait until no other session changes this dataset; until the end of this one, or change_unlock.
-- >> prepared  integer  how many prepared transactions the server allows
-- >> ok        boolean
select current_setting('max_prepared_transactions')::integer prepared,
       pg_advisory_lock(hashtext('strata.place.change')) is null ok;
