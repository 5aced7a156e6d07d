-- What came is in the coverage now; documents made before are out of date.
with d as (
    delete from ows_cache
)
delete from coverage_new;
