-- A dataset's box in the index of cells, so that what lies beside the mask in the same cell is passed over there.

update catalog.shard_index
   set ix_make = 'create index cei_key on cells (ce_key, ce_max) include (ce_min, ce_dataset, ce_west, ce_south, ce_east, ce_north)'
 where ix_name = 'cei_key';

-- Cells of shards that are there already have no box: that of the whole world fits.
do $$
declare
    shard text;
begin
    for shard in select sh_code from public.shards loop
        perform set_config('search_path', format('%I, public', shard), true);
        alter table cells add ce_west smallint not null default -32768, add ce_south smallint not null default -32768,
                          add ce_east smallint not null default 32767, add ce_north smallint not null default 32767;
        drop index if exists cei_key;
        if not (select sh_bulk from public.shards where sh_code = shard) then
            perform catalog.build_index('cei_key');
        end if;
    end loop;
    perform set_config('search_path', 'public', true);
end $$;

-- The same as before in a language whose plans are kept: one in SQL is read and planned anew by every query.
create or replace function catalog.search_mask(shape public.geometry, same double precision, tolerance double precision,
                                               edge double precision) returns public.geometry
language plpgsql immutable parallel safe as $$
begin
    if same >= 0 and tolerance >= 0 then
        shape := public.st_simplifypreservetopology(public.st_removerepeatedpoints(shape, same), tolerance);
    end if;
    if edge > 0 then
        shape := public.st_segmentize(shape, edge);
    end if;
    return shape;
end $$;

create or replace function catalog.shape_in_degrees(shape public.geometry, across boolean) returns public.geometry
language plpgsql immutable parallel safe as $$
begin
    shape := catalog.shape_in(public.st_segmentize(shape,
        greatest(public.st_xmax(shape) - public.st_xmin(shape), public.st_ymax(shape) - public.st_ymin(shape)) / 16 + 1e-9), 4326);
    if across then
        shape := public.st_shiftlongitude(shape);
    end if;
    return shape;
end $$;
