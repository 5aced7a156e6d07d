-- The catalogue's objects that all shards share: the register of shards, coordinate systems, public views.
-- Runs once per database, as the owner role, with PostGIS in public (the seed: mas-database.md).

create type public.path_type as enum ('file', 'directory', 'link');

create table public.shards (
    sh_code     text not null primary key check (sh_code ~ '^[A-Za-z_][A-Za-z0-9_]{0,62}$'),
    sh_path     text not null unique check (sh_path ~ '^/'),
    sh_unlogged boolean not null default false,  -- the tables are lost in a crash of the server
    sh_bulk     boolean not null default false,  -- a first load is under way, indexes are still missing
    sh_version  bigint not null default 0,       -- grows with every committed change
    sh_created  timestamptz not null default now()
);

create schema catalog;

-- A coordinate system as a record wrote it, and the SRID that stands for it. One CRS written in several
-- ways is several rows here, and one SRID.
create table catalog.srs (
    sr_id    integer generated always as identity primary key,
    sr_key   uuid not null unique,      -- md5 of the two texts with a 0x1f between them
    sr_wkt   text not null,
    sr_proj4 text not null,
    sr_srid  integer not null
);

-- The axes arrays of datasets, each text once.
create table catalog.axes (
    ax_id   integer generated always as identity primary key,
    ax_key  uuid not null unique,       -- md5 of the text
    ax_json text not null
);

create sequence catalog.private_srid minvalue 100000 maxvalue 998000;

-- Can this server transform into and out of a coordinate system?
create function catalog.srid_works(srid integer) returns boolean language plpgsql as $$
begin
    perform public.st_transform(public.st_transform(public.st_setsrid(public.st_makepoint(0, 0), srid), 4326), srid);
    return true;
exception when others then
    return false;
end $$;

-- The SRID for a pair of texts: the same pair in spatial_ref_sys; else the authority's code at the end of the
-- WKT where the two are the same projection; else one registered for the same proj4 text; else a new one.
create function catalog.srid_for(wkt text, proj4 text) returns integer language plpgsql as $$
declare
    found_srid integer;
    code text[] := regexp_match(wkt, 'AUTHORITY\["EPSG",\s*"?(\d+)"?\]\]\s*$');
begin
    if wkt = '' and proj4 = '' then
        return 0;
    end if;
    select s.srid into found_srid from public.spatial_ref_sys s
     where s.srtext = wkt and trim(s.proj4text) = trim(proj4) order by s.srid limit 1;
    if found_srid is null and code is not null then
        select s.srid into found_srid from public.spatial_ref_sys s
         where s.auth_name = 'EPSG' and s.auth_srid = code[1]::integer and s.srid < 100000;
    end if;
    if found_srid is null and proj4 <> '' then
        select s.srid into found_srid from public.spatial_ref_sys s
         where s.srid >= 100000 and trim(s.proj4text) = trim(proj4) order by s.srid limit 1;
    end if;
    if found_srid is null then
        found_srid := nextval('catalog.private_srid');
        insert into public.spatial_ref_sys (srid, auth_name, auth_srid, srtext, proj4text)
        values (found_srid, 'STRATA', found_srid, nullif(wkt, ''), nullif(proj4, ''));
    end if;
    return found_srid;
end $$;

-- What readers of all shards see: the union of the shards' relations. Replaced whenever a shard comes or goes.
create function catalog.replace_views() returns void language plpgsql as $$
declare
    v record;
    body text;
begin
    perform pg_advisory_xact_lock(hashtext('catalog.replace_views'));
    for v in select * from (values
        ('paths', 'pa_hash, pa_ingested, pa_type, pa_path, pa_parents',
         'null::uuid pa_hash, null::timestamp pa_ingested, null::public.path_type pa_type, null::text pa_path, null::uuid[] pa_parents'),
        ('metadata', 'md_hash, md_ingested, md_type, md_json',
         'null::uuid md_hash, null::timestamp md_ingested, null::text md_type, null::jsonb md_json'),
        ('files', 'fi_hash, fi_parent, fi_name, fi_size, fi_ctime, fi_mtime, fi_atime, fi_mode, fi_inode, fi_uid, fi_gid, fi_user, fi_group',
         'null::uuid fi_hash, null::uuid fi_parent, null::text fi_name, null::bigint fi_size, null::timestamptz fi_ctime, null::timestamptz fi_mtime, null::timestamptz fi_atime, null::text fi_mode, null::text fi_inode, null::text fi_uid, null::text fi_gid, null::text fi_user, null::text fi_group'),
        ('directories', 'di_hash, di_parent, di_name, di_ctime, di_mtime, di_atime, di_mode, di_inode, di_uid, di_gid, di_user, di_group, di_count, di_size',
         'null::uuid di_hash, null::uuid di_parent, null::text di_name, null::timestamptz di_ctime, null::timestamptz di_mtime, null::timestamptz di_atime, null::text di_mode, null::text di_inode, null::text di_uid, null::text di_gid, null::text di_user, null::text di_group, null::numeric di_count, null::numeric di_size'),
        ('links', 'li_hash, li_parent, li_name, li_ctime, li_mtime, li_atime, li_inode, li_uid, li_gid, li_user, li_group, li_intact, li_target',
         'null::uuid li_hash, null::uuid li_parent, null::text li_name, null::timestamptz li_ctime, null::timestamptz li_mtime, null::timestamptz li_atime, null::text li_inode, null::text li_uid, null::text li_gid, null::text li_user, null::text li_group, null::boolean li_intact, null::text li_target'),
        ('polygons', 'po_hash, po_stamps, po_min_stamp, po_max_stamp, po_name, po_pixel_x, po_pixel_y, po_polygon',
         'null::uuid po_hash, null::timestamptz[] po_stamps, null::timestamptz po_min_stamp, null::timestamptz po_max_stamp, null::text po_name, null::numeric po_pixel_x, null::numeric po_pixel_y, null::public.geometry po_polygon')
        ) t (name, columns, nothing)
    loop
        select string_agg(format('select %s from %I.%I', v.columns, sh_code, v.name), ' union all ' order by sh_code)
          into body from public.shards;
        execute format('create or replace view public.%I as %s', v.name, coalesce(body, 'select ' || v.nothing || ' where false'));
    end loop;
end $$;

select catalog.replace_views();

-- The seed's way from a path to its key.
create function public.path_hash(path text) returns uuid language sql immutable strict parallel safe as
    $$ select md5(path)::uuid $$;

-- The indexes of a shard, as data: a first load runs without them and builds them afterwards, several at a time.
create table catalog.shard_index (
    ix_order integer not null primary key,  -- the long ones first
    ix_name  text not null unique,
    ix_make  text not null,
    ix_late  boolean not null default false -- no program of Strata asks through it: people in psql do
);
insert into catalog.shard_index (ix_order, ix_name, ix_make) values
    ( 1, 'pai_parents',  'create index pai_parents on paths using gin (pa_parents) with (gin_pending_list_limit = 65536)'),
    ( 2, 'fii_parent',   'create index fii_parent on files (fi_parent, fi_name)'),
    ( 3, 'paths_pkey',   'create unique index paths_pkey on paths (pa_hash)'),
    ( 4, 'mdi_pk',       'create unique index mdi_pk on metadata (md_hash, md_type)'),
    ( 5, 'fii_hash',     'create unique index fii_hash on files (fi_hash)'),
    ( 6, 'pai_parent',   'create index pai_parent on paths ((pa_parents[array_length(pa_parents, 1)]))'),
    ( 7, 'cei_key',      'create index cei_key on cells (ce_key, ce_max) include (ce_min, ce_dataset)'),
    ( 8, 'fii_name',     'create index fii_name on files (fi_name text_pattern_ops)'),
    ( 9, 'fii_user',     'create index fii_user on files (fi_user, fi_size)'),
    (10, 'fii_size',     'create index fii_size on files (fi_size)'),
    (11, 'fii_mtime',    'create index fii_mtime on files (fi_mtime)'),
    (12, 'pai_type',     'create index pai_type on paths (pa_type)'),
    (26, 'sci_dir',      'create unique index sci_dir on scans (sc_dir)'),
    (13, 'dii_hash',     'create unique index dii_hash on directories (di_hash)'),
    (14, 'dii_parent',   'create index dii_parent on directories (di_parent, di_name)'),
    (15, 'lii_hash',     'create unique index lii_hash on links (li_hash)'),
    (16, 'lii_parent',   'create index lii_parent on links (li_parent, li_name)'),
    (17, 'fii_kind',     'create index fii_kind on files (fi_kind) where fi_kind is not null'),
    (18, 'fii_sha256',   'create index fii_sha256 on files (fi_sha256) where fi_sha256 is not null'),
    (19, 'dsi_id',       'create unique index dsi_id on datasets (ds_id)'),
    (20, 'poi_hash',     'create index poi_hash on datasets (po_hash)'),
    (21, 'dsi_parent',   'create index dsi_parent on datasets (ds_parent)'),
    (22, 'cei_dataset',  'create index cei_dataset on cells (ce_dataset)');
insert into catalog.shard_index (ix_order, ix_name, ix_make, ix_late) values
    (23, 'poi_stamps',   'create index poi_stamps on datasets using gin (po_stamps)', true),
    (24, 'poi_name',     'create index poi_name on datasets (po_name)', true),
    (25, 'poi_stamp',    'create index poi_stamp on datasets (po_min_stamp, po_max_stamp)', true);

-- The names of the indexes that the shard (first in search_path) lacks, in the order in which to build them: those
-- that queries need, or the late ones, among them one for the polygons of each coordinate system.
create function catalog.missing_indexes(late boolean) returns setof text language plpgsql stable as $$
begin
    return query
    select i.ix_name from (
        select s.ix_name, s.ix_order from catalog.shard_index s where s.ix_late = late
         union all
        select distinct 'poi_polygon_' || sr_srid, 1000
          from catalog.srs
         where late and sr_srid > 0 and exists (select from datasets where ds_srs = sr_id)
    ) i
     where not exists (select from pg_class c where c.relname = i.ix_name and c.relnamespace = current_schema()::regnamespace)
     order by i.ix_order;
end $$;

-- Makes the index paths_pkey the primary key. That needs the table for itself for a moment: whoever reads all shards
-- reads it as well, so this gives up soon, nobody queues behind it, and tries again.
create function catalog.make_key() returns void language plpgsql as $$
declare
    before text := current_setting('lock_timeout');
begin
    for try in 1..600 loop
        begin
            perform set_config('lock_timeout', '500ms', true);
            alter table paths add constraint paths_pkey primary key using index paths_pkey;
            perform set_config('lock_timeout', before, true);
            return;
        exception when lock_not_available then
            perform pg_sleep(0.1);
        end;
    end loop;
    raise lock_not_available using message = 'somebody reads the public views for long';
end $$;

create function catalog.build_index(name text) returns void language plpgsql as $$
declare
    srid text := (regexp_match(name, '^poi_polygon_(\d+)$'))[1];
begin
    if srid is not null then
        execute format('create index %I on datasets using gist (po_polygon) where public.st_srid(po_polygon) = %s', name, srid);
    else
        execute (select ix_make from catalog.shard_index where ix_name = name);
    end if;
    if name = 'paths_pkey' then
        perform catalog.make_key();
    end if;
end $$;

-- Adds the directories that paths lie in and nobody wrote a record of, up to the shard's root.
-- `source` is 'paths' for all of the shard or 'stage_paths' for what is being taken in.
create function catalog.add_missing_directories(source regclass, root text) returns bigint language plpgsql as $$
declare
    n bigint;
begin
    execute format($q$
        with recursive up (path) as (
            select left(child, -position('/' in reverse(child)))
              from (select min(pa_path) child from %1$s where pa_path <> $1
                     group by pa_parents[array_length(pa_parents, 1)]) k
             where child <> '/'
             union
            select left(path, -position('/' in reverse(path))) from up where length(path) > length($1)
        )
        insert into %1$s (pa_hash, pa_type, pa_path, pa_parents)
        select md5(path)::uuid, 'directory', path,
               array(select md5(array_to_string((string_to_array(path, '/'))[1:i], '/'))::uuid
                       from generate_series(2, array_length(string_to_array(path, '/'), 1) - 1) i)
          from up
         where length(path) >= length($1) and path <> ''
           and not exists (select from paths p where p.pa_hash = md5(path)::uuid)
           %2$s
    $q$, source, case when source <> 'paths'::regclass
                      then format('and not exists (select from %s p where p.pa_hash = md5(path)::uuid)', source) end)
    using root;
    get diagnostics n = row_count;
    return n;
end $$;

-- Counts and sizes of all directories of the shard from its files; writes only those that differ.
create function catalog.rebuild_tallies() returns bigint language plpgsql as $$
declare
    n bigint;
begin
    with direct as (
        select dir, sum(c)::bigint c, sum(s) s, sum(d)::bigint d from (
            select fi_parent dir, count(*) c, coalesce(sum(fi_size), 0) s, 0::bigint d from files group by 1
            union all
            select ds_parent, 0, 0, count(*) from datasets group by 1
        ) k group by 1
    ), total as (
        select u.dir, sum(c) c, sum(s) s, sum(d) d
          from direct join (select pa_hash, pa_parents from paths where pa_type = 'directory') p on p.pa_hash = direct.dir
         cross join lateral unnest(p.pa_parents || p.pa_hash) u (dir)
         group by 1
    )
    update directories
       set di_count = coalesce(c, 0), di_size = coalesce(s, 0), di_datasets = coalesce(d, 0)
      from directories k left join total on total.dir = k.di_hash
     where directories.di_hash = k.di_hash
       and (directories.di_count, directories.di_size, directories.di_datasets)
           is distinct from (coalesce(c, 0), coalesce(s, 0), coalesce(d, 0)::bigint);
    get diagnostics n = row_count;
    return n;
end $$;

-- The SHA-256 of a checksum record, if it is of the file as it is now.
create function catalog.checksum_of(record jsonb, size bigint, mtime timestamptz) returns bytea
language sql immutable parallel safe as $$
    select case when record->>'sha256' ~ '^[0-9a-f]{64}$'
                 and (record->>'size' is null or size is null or record->>'size' = size::text)
                 and (record->>'mtime' is null or mtime is null
                      or record->>'mtime' = floor(extract(epoch from mtime))::bigint::text)
                then decode(record->>'sha256', 'hex') end
$$;

-- What a magic record says the file is.
create function catalog.kind_of(record jsonb) returns text language sql immutable parallel safe as
    $$ select coalesce(record->>'format', record->>'mime') $$;

-- Directories with at least so many datasets have their coverage kept; that of smaller ones is found by looking.
create function catalog.coverage_threshold() returns bigint language sql immutable parallel safe as $$ select 512::bigint $$;

-- Cells by name, length of time and size, from all cells. The key's fields: docs/decisions/cells.md.
create function catalog.rebuild_levels() returns void language plpgsql as $$
begin
    delete from levels;
    insert into levels (le_name, le_time, le_space, le_count)
    select (ce_key >> 40)::integer, ((ce_key >> 37) & 7)::smallint, ((ce_key >> 32) & 31)::smallint, count(*)
      from cells group by 1, 2, 3;
end $$;

-- Kind and checksum of all files from their magic and checksum records; writes only what differs.
create function catalog.rebuild_kinds() returns bigint language plpgsql as $$
declare
    n bigint;
begin
    update files
       set fi_kind = k.kind, fi_sha256 = k.sum
      from (select fi_hash, catalog.kind_of(m.md_json) kind, catalog.checksum_of(c.md_json, fi_size, fi_mtime) sum
              from files
              left join metadata m on m.md_hash = fi_hash and m.md_type = 'magic'
              left join metadata c on c.md_hash = fi_hash and c.md_type = 'checksum'
             where exists (select from metadata where md_type in ('magic', 'checksum'))
                or fi_kind is not null or fi_sha256 is not null) k
     where files.fi_hash = k.fi_hash
       and (files.fi_kind, files.fi_sha256) is distinct from (k.kind, k.sum);
    get diagnostics n = row_count;
    return n;
end $$;

-- Before a first load: without indexes, rows go in at the speed of COPY.
create function catalog.drop_indexes() returns void language plpgsql as $$
declare
    x text;
begin
    for x in
        select relname from pg_class
         where relnamespace = current_schema()::regnamespace
           and (relname in (select ix_name from catalog.shard_index) or relname like 'poi\_polygon\_%')
           and relname <> 'paths_pkey'
    loop
        execute format('drop index %I.%I', current_schema(), x);
    end loop;
    execute format('alter table %I.paths drop constraint if exists paths_pkey', current_schema());
end $$;

-- ---- the life of a shard ----

create function catalog.shard_enter(name text, path text, unlogged boolean) returns void language plpgsql as $$
begin
    insert into public.shards (sh_code, sh_path, sh_unlogged) values (name, path, unlogged);
    execute format('create schema %I', name);
end $$;

-- The tables are there and first in search_path.
create function catalog.shard_finish(name text) returns void language plpgsql as $$
declare
    t text;
begin
    perform catalog.build_index(x) from catalog.missing_indexes(false) x;
    perform catalog.build_index(x) from catalog.missing_indexes(true) x;
    execute format('grant usage on schema %I to public', name);
    execute format('grant select on all tables in schema %I to public', name);
    if (select sh_unlogged from public.shards where sh_code = name) then
        for t in select tablename from pg_tables where schemaname = name loop
            execute format('alter table %I.%I set unlogged', name, t);
        end loop;
    end if;
    perform catalog.replace_views();
end $$;

create function catalog.shard_remove(name text) returns void language plpgsql as $$
begin
    delete from public.shards where sh_code = name;
    perform catalog.replace_views();
    execute format('drop schema %I cascade', name);
end $$;

create function catalog.shard_empty(name text) returns void language plpgsql as $$
begin
    execute (select format('truncate %s', string_agg(format('%I.%I', schemaname, tablename), ', '))
               from pg_tables where schemaname = name);
end $$;

create function catalog.shard_rename(name text, new_name text) returns void language plpgsql as $$
begin
    update public.shards set sh_code = new_name where sh_code = name;
    execute format('alter schema %I rename to %I', name, new_name);
    perform catalog.replace_views();
end $$;

-- Moves a path with all below it: keys are made of the path, so every row of theirs changes. What is at the new
-- place goes first. Returns how many paths moved; 0 when there is nothing at the old one.
create function catalog.rename_path(old_path text, new_path text, root text) returns bigint language plpgsql as $$
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
    delete from metadata using renamed_gone where md_hash = h;
    delete from scans using renamed_gone where sc_dir = h;
    delete from looks using renamed_gone where lk_hash = h;
    delete from coverage using renamed_gone where co_dir = h;
    delete from paths using renamed_gone where pa_hash = h;

    update paths set pa_hash = new_hash, pa_path = path,
           pa_parents = array(select md5(array_to_string((string_to_array(path, '/'))[1:i], '/'))::uuid
                                from generate_series(2, array_length(string_to_array(path, '/'), 1) - 1) i)
      from moved where pa_hash = old_hash;
    update metadata set md_hash = new_hash,
           md_json = case when md_type = 'gdal'
                          then replace(md_json::text, trim(both '"' from to_json(old_path)::text), trim(both '"' from to_json(new_path)::text))::jsonb
                          else md_json end
      from moved where md_hash = old_hash;
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

    perform catalog.add_missing_directories('paths', root);
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

-- Makes the counts of the directories above some paths anew from what is directly in each, deepest first.
create function catalog.recount_above(names text[]) returns void language plpgsql as $$
declare
    dir record;
begin
    for dir in
        select distinct d.h, d.depth
          from unnest(names) p (path)
         cross join lateral (select md5(array_to_string((string_to_array(path, '/'))[1:i], '/'))::uuid h, i depth
                               from generate_series(2, array_length(string_to_array(path, '/'), 1) - 1) i) d
         order by d.depth desc
    loop
        update directories
           set di_count = (select count(*) from files where fi_parent = dir.h)
                        + (select coalesce(sum(k.di_count), 0) from directories k where k.di_parent = dir.h),
               di_size = (select coalesce(sum(fi_size), 0) from files where fi_parent = dir.h)
                       + (select coalesce(sum(k.di_size), 0) from directories k where k.di_parent = dir.h),
               di_datasets = (select count(*) from datasets where ds_parent = dir.h)
                           + (select coalesce(sum(k.di_datasets), 0) from directories k where k.di_parent = dir.h)
         where di_hash = dir.h;
        insert into coverage_due (cd_dir) select dir.h where exists (select from coverage where co_dir = dir.h)
            on conflict do nothing;
    end loop;
end $$;
