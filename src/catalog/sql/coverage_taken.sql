-- What came is in the coverage now.
delete from coverage_new;
