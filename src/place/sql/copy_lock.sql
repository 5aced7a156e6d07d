-- Wait until no other session makes a copy in this database; until the end of this one.
-- >> ok  boolean
select pg_advisory_lock(hashtext('strata.place.copying')) is null ok;
