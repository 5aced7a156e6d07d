-- A first load spends most of its time on indexes; these cost it less.

-- What lies in a directory is asked of files, directories and links, which have an index on it; but what is none of
-- these (a pipe, a device) has its path only. The index of the seed over all paths is there for people in psql.
insert into catalog.shard_index (ix_order, ix_name, ix_make) values
    (130, 'pai_other', 'create index pai_other on paths ((pa_parents[array_length(pa_parents, 1)])) where pa_type is null');
update catalog.shard_index set ix_late = true where ix_name = 'pai_parent';

-- Sorting by a name that nearly all rows have alike and a size behind it took twice as long as sorting by size alone.
update catalog.shard_index
   set ix_make = 'create index fii_user on files (fi_user) include (fi_size)'
 where ix_name = 'fii_user';

do $$
declare
    shard text;
begin
    for shard in select sh_code from public.shards where not sh_bulk loop
        perform set_config('search_path', format('%I, public', shard), true);
        perform catalog.build_index('pai_other');
    end loop;
    perform set_config('search_path', 'public', true);
end $$;

-- Lets the planner look at the columns that queries of Strata choose by; autovacuum looks at all of them later.
create or replace function catalog.analyze_table(name text) returns void language plpgsql as $$
declare
    columns text := (select a.columns
                       from (values ('paths',       'pa_hash, pa_type, pa_parents'),
                                    ('files',       'fi_hash, fi_parent, fi_name, fi_size, fi_mtime, fi_user, fi_kind, fi_sha256'),
                                    ('directories', 'di_hash, di_parent, di_name, di_mtime, di_datasets'),
                                    ('links',       'li_hash, li_parent, li_name, li_mtime')) a (relation, columns)
                      where a.relation = name);
begin
    execute format('analyze %I', name) || coalesce(' (' || columns || ')', '');
end $$;
