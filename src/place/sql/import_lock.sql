-- Does anybody else import into this dataset? Until the end of this session, it is us.
-- >> ok  boolean
select pg_try_advisory_lock(hashtext('strata.place.import')) ok;
