-- Let others change this dataset.
-- >> ok  boolean
select pg_advisory_unlock(hashtext('strata.place.change')) ok;
