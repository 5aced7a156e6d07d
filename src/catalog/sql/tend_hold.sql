-- Say, until the session ends, that this program tends what loads leave to be done.
-- >> held  boolean
select pg_advisory_lock_shared(hashtext('catalog.tend'), 0) is null held;
