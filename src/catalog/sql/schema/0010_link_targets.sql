-- A name that comes or goes makes links through it lead somewhere else; a watcher asks for these with every batch.
insert into catalog.shard_index (ix_order, ix_name, ix_make) values
    (400, 'lii_target', 'create index lii_target on links using gin (string_to_array(li_target, ''/''))');

do $$
declare
    shard text;
begin
    for shard in select sh_code from public.shards where not sh_bulk loop
        perform set_config('search_path', format('%I, public', shard), true);
        perform catalog.build_index('lii_target');
    end loop;
    perform set_config('search_path', 'public', true);
end $$;
