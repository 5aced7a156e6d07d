-- Let others load the shard: gives back all locks of the session.
-- >> done  void
select pg_advisory_unlock_all() done;
