-- Does no session make a copy in this database? Then none can until copy_unlock.
-- >> free  boolean
select pg_try_advisory_lock(hashtext('strata.place.copying')) free;
