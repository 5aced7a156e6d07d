-- What the MAS API (seed: mas-database.md) needs to search: shapes in other coordinate systems, and time.

grant usage on schema catalog to public;
grant select on catalog.srs, catalog.axes to public;

-- A shape in another coordinate system; null where it cannot be transformed, so that one such system does not
-- fail a request.
create function catalog.shape_in(shape public.geometry, srid integer) returns public.geometry
language plpgsql immutable parallel safe as $$
begin
    return public.st_transform(shape, srid);
exception when others then
    return null;
end $$;

-- The shape of a request as it is compared: simplified where that was asked for, its edges cut so that they
-- stay where they are in other systems.
create function catalog.search_mask(shape public.geometry, same double precision, tolerance double precision,
                                    edge double precision) returns public.geometry
language sql immutable parallel safe as $$
    select case when edge > 0 then public.st_segmentize(s, edge) else s end
      from (select case when same >= 0 and tolerance >= 0
                        then public.st_simplifypreservetopology(public.st_removerepeatedpoints(shape, same), tolerance)
                        else shape end s) x
$$;

-- A polygon in degrees, comparable with a mask that stands three times, 360 degrees apart.
create function catalog.shape_in_degrees(shape public.geometry, across boolean) returns public.geometry
language sql immutable parallel safe as $$
    select case when across then public.st_shiftlongitude(s) else s end
      from (select catalog.shape_in(public.st_segmentize(shape,
                greatest(public.st_xmax(shape) - public.st_xmin(shape), public.st_ymax(shape) - public.st_ymin(shape)) / 16 + 1e-9),
                4326) s) x
$$;

-- A mask in degrees, and its copies 360 degrees to the west and to the east.
create function catalog.mask_in_degrees(mask public.geometry) returns public.geometry
language sql immutable parallel safe as $$
    select public.st_collect(array[s, public.st_translate(s, -360, 0), public.st_translate(s, 360, 0)])
      from (select catalog.shape_in(mask, 4326) s) x
$$;

-- How long a dataset is, as grid_span() in grid.c sorts it.
create function catalog.time_class(first timestamptz, last timestamptz) returns integer
language sql immutable parallel safe as $$
    select case when last - first <= interval '0' then 0 when last - first <= interval '1 day' then 1
                when last - first <= interval '8 days' then 2 when last - first <= interval '32 days' then 3
                when last - first <= interval '367 days' then 4 when last - first <= interval '3660 days' then 5
                else 6 end
$$;

insert into catalog.shard_index (ix_order, ix_name, ix_make) values
    (27, 'dsi_time', 'create index dsi_time on datasets (ds_name, catalog.time_class(po_min_stamp, po_max_stamp), po_max_stamp) include (po_min_stamp, ds_id) where po_max_stamp is not null');

-- Also answers which names and axes a directory has, without a look at its datasets.
update catalog.shard_index
   set ix_make = 'create index dsi_parent on datasets (ds_parent, ds_name, (coalesce(ds_axes, 0)))'
 where ix_name = 'dsi_parent';

do $$
declare
    shard text;
begin
    for shard in select sh_code from public.shards where not sh_bulk loop
        perform set_config('search_path', format('%I, public', shard), true);
        perform catalog.build_index('dsi_time');
        execute format('create table %I.coverage_new (cn_dataset bigint not null)', shard);
        execute format('grant select on %I.coverage_new to public', shard);
        drop index dsi_parent;
        perform catalog.build_index('dsi_parent');
    end loop;
    perform set_config('search_path', 'public', true);
end $$;
