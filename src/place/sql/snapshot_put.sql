-- Redshifts of snapshots.
-- $1 snaps      int4[]
-- $2 redshifts  float4[]
insert into public.snap_redshift (snapnum, redshift)
select s, z from unnest($1::int4[], $2::float4[]) u (s, z)
    on conflict (snapnum) do update set redshift = excluded.redshift;
