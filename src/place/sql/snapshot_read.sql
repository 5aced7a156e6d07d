-- The redshifts of snapshots.
-- >> snap      int4
-- >> redshift  float4
select snapnum snap, redshift from public.snap_redshift order by snapnum;
