-- A search tests a shape once for all datasets that have it, and asks a file's other datasets only where they differ. What
-- A search tests a shape once for all datasets that have it, and asks a file's other datasets only where they differ. What
-- is there already keeps null, which stands for "not known", until a full refresh: it is tested one by one. Coverage keeps
-- its times as they are sent, and is made anew.

update catalog.shard_index
   set ix_make = 'create index cei_key on cells (ce_key, ce_max) include (ce_min, ce_dataset, ce_shape, ce_west, ce_south, ce_east, ce_north)'
 where ix_name = 'cei_key';
update catalog.shard_index
   set ix_make = 'create index dsi_time on datasets (ds_name, catalog.time_class(po_min_stamp, po_max_stamp), po_max_stamp) include (po_min_stamp, ds_id, ds_shape) where po_max_stamp is not null'
 where ix_name = 'dsi_time';

do $$
declare
    shard text;
begin
    for shard in select sh_code from public.shards loop
        perform set_config('search_path', format('%I, public', shard), true);
        alter table datasets add ds_shape bigint, add ds_gap bigint, add ds_alike boolean;
        alter table cells add ce_shape bigint;
        truncate coverage;
        alter table coverage drop co_stamps, add co_stamps bytea not null;
        alter table coverage alter co_stamps set storage external;
        insert into coverage_due (cd_dir)
        select di_hash from directories where di_datasets >= catalog.coverage_threshold() on conflict do nothing;
        drop index if exists cei_key, dsi_time;
        if not (select sh_bulk from public.shards where sh_code = shard) then
            perform catalog.build_index('cei_key');
            perform catalog.build_index('dsi_time');
        end if;
    end loop;
    perform set_config('search_path', 'public', true);
end $$;
