-- These catch what a shape that cannot be transformed raises. PostgreSQL starts a subtransaction for that, which it
-- refuses while a plan runs in parallel, in its leader as well: a query that used them then failed with "cannot start
-- subtransactions during a parallel operation".
alter function catalog.shape_in(public.geometry, integer) parallel unsafe;
alter function catalog.shape_in_degrees(public.geometry, boolean) parallel unsafe;
alter function catalog.mask_in_degrees(public.geometry) parallel unsafe;
alter function catalog.shape_of(public.geometry, double precision, double precision, double precision, double precision)
    parallel unsafe;
