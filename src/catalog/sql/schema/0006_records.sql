-- A posix record that the columns of files, directories and links say whole is not kept a second time as JSON, and
-- other records may be kept as the text they came as: the table is now `records`, and `metadata` a view that has all of
-- them as before (docs/decisions/records.md).

-- Whole seconds since 1970 of a time in a posix record, and the nanoseconds behind them (null for none): those
-- below a microsecond are 10 bits of `nanos`, from bit `shift`.
create function catalog.seconds_of(at timestamptz) returns bigint language sql immutable parallel safe as
    $$ select floor(extract(epoch from at))::bigint $$;
create function catalog.nanoseconds_of(at timestamptz, nanos bigint, shift integer) returns bigint
language sql immutable parallel safe as
    $$ select nullif(extract(microseconds from at)::bigint % 1000000 * 1000 + (nanos >> shift & 1023), 0) $$;

-- The posix record that the columns of a path stand for: src/catalog/posix.h has its keys.
create function catalog.posix_record(type text, size bigint, mode text, inode text, nlink bigint, dev bigint, uid bigint,
                                     gid bigint, user_name text, group_name text, atime timestamptz, mtime timestamptz,
                                     ctime timestamptz, btime timestamptz, nanos bigint, target text, intact boolean)
returns jsonb language sql stable parallel safe as $$
    select jsonb_strip_nulls(jsonb_build_object(
        'type', type, 'size', size, 'mode', mode, 'inode', inode::numeric, 'nlink', nlink, 'dev', dev, 'uid', uid,
        'gid', gid, 'user', user_name, 'group', group_name,
        'atime', catalog.seconds_of(atime), 'mtime', catalog.seconds_of(mtime), 'ctime', catalog.seconds_of(ctime),
        'btime', catalog.seconds_of(btime),
        'atime_ns', catalog.nanoseconds_of(atime, nanos, 0), 'mtime_ns', catalog.nanoseconds_of(mtime, nanos, 10),
        'ctime_ns', catalog.nanoseconds_of(ctime, nanos, 20), 'btime_ns', catalog.nanoseconds_of(btime, nanos, 30),
        'target', target, 'intact', intact))
$$;

create function catalog.analyze_table(name text) returns void language plpgsql as $$
begin
    execute format('analyze %I', name);
end $$;

-- The seed's relation, of the shard first in search_path.
create function catalog.create_metadata_view() returns void language plpgsql as $$
begin
    create view metadata as
        select md_hash, md_ingested, md_type, coalesce(md_json, md_text::jsonb) md_json
          from records
         union all
        select fi_hash, fi_ingested, 'posix',
               catalog.posix_record('file', fi_size, fi_mode, fi_inode, fi_nlink, fi_dev, fi_nuid, fi_ngid, fi_user, fi_group,
                                    fi_atime, fi_mtime, fi_ctime, fi_btime, fi_nanos, null, null)
          from files
         where fi_nanos is not null
         union all
        select di_hash, di_ingested, 'posix',
               catalog.posix_record('directory', di_bytes, di_mode, di_inode, di_nlink, di_dev, di_nuid, di_ngid, di_user,
                                    di_group, di_atime, di_mtime, di_ctime, di_btime, di_nanos, null, null)
          from directories
         where di_nanos is not null
         union all
        select li_hash, li_ingested, 'posix',
               catalog.posix_record('link', li_bytes, 'lrwxrwxrwx', li_inode, li_nlink, li_dev, li_nuid, li_ngid, li_user,
                                    li_group, li_atime, li_mtime, li_ctime, li_btime, li_nanos, li_target, li_intact)
          from links
         where li_nanos is not null;
end $$;

update catalog.shard_index
   set ix_make = 'create unique index mdi_pk on records (md_hash, md_type)'
 where ix_name = 'mdi_pk';

-- Adds the directories that the shard's paths lie in and nobody wrote a record of, up to the shard's root. A path of
-- each directory that is missing is enough to name it.
drop function catalog.add_missing_directories(regclass, text);
create function catalog.add_missing_directories(root text) returns bigint language plpgsql as $$
declare
    n bigint;
begin
    with recursive missing (hash) as (
        select hash
          from (select distinct pa_parents[array_length(pa_parents, 1)] hash from paths where pa_path <> root) d
         where not exists (select from paths p where p.pa_hash = d.hash)
    ), child (path) as (
        select min(pa_path) from paths join missing on pa_parents[array_length(pa_parents, 1)] = hash group by hash
    ), up (path) as (
        select left(path, -position('/' in reverse(path))) from child where path <> '/'
         union
        select left(path, -position('/' in reverse(path))) from up where length(path) > length(root)
    )
    insert into paths (pa_hash, pa_type, pa_path, pa_parents)
    select md5(path)::uuid, 'directory', path,
           array(select md5(array_to_string((string_to_array(path, '/'))[1:i], '/'))::uuid
                   from generate_series(2, array_length(string_to_array(path, '/'), 1) - 1) i)
      from up
     where length(path) >= length(root) and path <> ''
       and not exists (select from paths p where p.pa_hash = md5(path)::uuid);
    get diagnostics n = row_count;
    return n;
end $$;

-- After a first load: every path that is a directory gets its row, and its counts. What was found in a directory that is
-- not there is forgotten: a load that was killed had not told of it yet.
create function catalog.complete_bulk(root text) returns void language plpgsql as $$
begin
    perform catalog.add_missing_directories(root);
    insert into directories (di_hash, di_parent, di_name)
    select pa_hash, pa_parents[array_length(pa_parents, 1)], right(pa_path, position('/' in reverse(pa_path)) - 1)
      from paths
     where pa_type = 'directory' and pa_hash not in (select di_hash from directories);
    delete from scans where not exists (select from paths where pa_hash = sc_dir);
    perform catalog.rebuild_tallies();
end $$;

-- Meanwhile the indexes of other tables are built. Nothing of Strata asks for paths by their type alone.
update catalog.shard_index set ix_order = ix_order + 100 where ix_make ~ ' on (paths|directories|scans) ';
update catalog.shard_index set ix_late = true where ix_name = 'pai_type';

-- As before, of the relations that there are now.
-- Moves a path with all below it: keys are made of the path, so every row of theirs changes. What is at the new
-- place goes first. Returns how many paths moved; 0 when there is nothing at the old one.
create or replace function catalog.rename_path(old_path text, new_path text, root text) returns bigint language plpgsql as $$
declare
    n bigint;
begin
    if old_path = new_path then
        return 0;
    end if;
    drop table if exists pg_temp.moved, pg_temp.renamed_gone;
    create temp table moved on commit drop as
    select pa_hash old_hash, pa_type, md5(new_path || substr(pa_path, length(old_path) + 1))::uuid new_hash,
           new_path || substr(pa_path, length(old_path) + 1) path
      from paths
     where pa_hash = md5(old_path)::uuid or pa_parents @> array[md5(old_path)::uuid];
    get diagnostics n = row_count;
    if n = 0 then
        return 0;
    end if;
    create temp table renamed_gone on commit drop as
    select pa_hash h from paths where pa_hash = md5(new_path)::uuid or pa_parents @> array[md5(new_path)::uuid];
    with c as (
        delete from cells using datasets, renamed_gone where ce_dataset = ds_id and po_hash = h returning ce_key
    )
    update levels set le_count = le_count - k.n
      from (select ce_key >> 40 name, (ce_key >> 37) & 7 t, (ce_key >> 32) & 31 s, count(*) n from c group by 1, 2, 3) k
     where le_name = k.name and le_time = k.t and le_space = k.s;
    delete from datasets using renamed_gone where po_hash = h;
    delete from files using renamed_gone where fi_hash = h;
    delete from directories using renamed_gone where di_hash = h;
    delete from links using renamed_gone where li_hash = h;
    delete from records using renamed_gone where md_hash = h;
    delete from scans using renamed_gone where sc_dir = h;
    delete from looks using renamed_gone where lk_hash = h;
    delete from coverage using renamed_gone where co_dir = h;
    delete from paths using renamed_gone where pa_hash = h;

    update paths set pa_hash = new_hash, pa_path = path,
           pa_parents = array(select md5(array_to_string((string_to_array(path, '/'))[1:i], '/'))::uuid
                                from generate_series(2, array_length(string_to_array(path, '/'), 1) - 1) i)
      from moved where pa_hash = old_hash;
    update records set md_hash = new_hash, md_json = null,
           md_text = replace(coalesce(md_text, md_json::text), trim(both '"' from to_json(old_path)::text),
                             trim(both '"' from to_json(new_path)::text))
      from moved where md_hash = old_hash and md_type = 'gdal';
    update records set md_hash = new_hash from moved where md_hash = old_hash and md_type <> 'gdal';
    update files set fi_hash = new_hash, fi_parent = pa_parents[array_length(pa_parents, 1)],
           fi_name = right(path, position('/' in reverse(path)) - 1)
      from moved join paths on pa_hash = new_hash where fi_hash = old_hash;
    update links set li_hash = new_hash, li_parent = pa_parents[array_length(pa_parents, 1)],
           li_name = right(path, position('/' in reverse(path)) - 1)
      from moved join paths on pa_hash = new_hash where li_hash = old_hash;
    update directories set di_hash = new_hash, di_parent = pa_parents[array_length(pa_parents, 1)],
           di_name = right(path, position('/' in reverse(path)) - 1)
      from moved join paths on pa_hash = new_hash where di_hash = old_hash;
    update scans set sc_dir = new_hash from moved where sc_dir = old_hash;
    update looks set lk_hash = new_hash from moved where lk_hash = old_hash;
    update datasets set po_hash = new_hash, ds_parent = pa_parents[array_length(pa_parents, 1)],
           ds_json = replace(ds_json, trim(both '"' from to_json(old_path)::text), trim(both '"' from to_json(new_path)::text))
      from moved join paths on pa_hash = new_hash where po_hash = old_hash;
    delete from coverage using moved where co_dir = old_hash;

    perform catalog.add_missing_directories(root);
    insert into directories (di_hash, di_parent, di_name)
    select pa_hash, pa_parents[array_length(pa_parents, 1)], right(pa_path, position('/' in reverse(pa_path)) - 1)
      from paths
     where pa_type = 'directory' and not exists (select from directories where di_hash = pa_hash);
    perform catalog.recount_above(array[old_path, new_path]);
    insert into coverage_due (cd_dir)
    select di_hash from moved join directories on di_hash = new_hash
     where di_datasets >= catalog.coverage_threshold()
        on conflict do nothing;
    return n;
end $$;

-- Shards that are there already keep their posix records as they are, until a crawl says them anew.
do $$
declare
    shard text;
begin
    drop view public.metadata;
    for shard in select sh_code from public.shards loop
        perform set_config('search_path', format('%I, public', shard), true);
        alter table metadata rename to records;
        alter table records add md_text text, alter md_json drop not null, add check ((md_json is null) <> (md_text is null));
        alter table records alter md_text set statistics 0;
        alter table records alter md_text set compression lz4;
        alter table files add fi_nlink bigint, add fi_dev bigint, add fi_btime timestamptz, add fi_nanos bigint,
                          add fi_ingested timestamp without time zone not null default now();
        alter table directories add di_nlink bigint, add di_dev bigint, add di_btime timestamptz, add di_nanos bigint,
                          add di_bytes bigint, add di_ingested timestamp without time zone not null default now();
        alter table links add li_nlink bigint, add li_dev bigint, add li_btime timestamptz, add li_nanos bigint,
                          add li_bytes bigint, add li_ingested timestamp without time zone not null default now();
        perform catalog.create_metadata_view();
        grant select on metadata to public;
    end loop;
    perform set_config('search_path', 'public', true);
    perform catalog.replace_views();
    grant select on public.metadata to public;
end $$;
