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
