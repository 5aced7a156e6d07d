-- Wait until no other program migrates this database; until the end of the transaction nobody else can.
-- >> ok  boolean  always true
select pg_advisory_xact_lock(hashtextextended('strata.migration', 0)) is not null as ok;
