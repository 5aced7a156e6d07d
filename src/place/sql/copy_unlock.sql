-- Let others make copies in this database.
-- >> ok  boolean
select pg_advisory_unlock(hashtext('strata.place.copying')) ok;
