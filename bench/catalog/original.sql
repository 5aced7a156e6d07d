-- SPDX-License-Identifier: Apache-2.0
-- original.sql: the way of the program that Strata's catalogue follows, as a peer to load beside: each line through a row
-- trigger into temporary tables, a statement trigger that upserts the batch, then views made anew as a whole.
create schema orig;
set search_path = orig, public;

create unlogged table ingest (in_path text, in_type text, in_json jsonb);
create table paths (pa_hash uuid primary key, pa_ingested timestamptz default now(), pa_type text, pa_path text, pa_parents uuid[]);
create index on paths (pa_type);
create index on paths using gin (pa_parents);
create index on paths ((pa_parents[array_length(pa_parents, 1)]));
create table metadata (md_hash uuid, md_ingested timestamptz default now(), md_type text, md_json jsonb, unique (md_hash, md_type));
create unlogged table tallies (ta_hash uuid primary key, ta_count bigint, ta_size bigint);
create table systems (srid serial primary key, wkt text, proj4 text, unique (wkt, proj4));

create function path_hash(path text) returns uuid immutable language sql as $$ select md5(path)::uuid $$;

create function parent_paths(path text) returns setof text immutable language sql as $$
    select array_to_string(parts[1:n], '/') from (select string_to_array(path, '/') parts) p,
           generate_series(2, array_length(string_to_array(path, '/'), 1) - 1) n order by n
$$;

create function ingest_line() returns trigger language plpgsql as $$
begin
    if to_regclass('pg_temp.mypaths') is null then
        create temporary table mypaths (hash uuid, type text, path text) on commit drop;
        create temporary table mymetadata (hash uuid, type text, json jsonb) on commit drop;
    end if;
    insert into mypaths values (path_hash(new.in_path), case when new.in_type = 'posix' then new.in_json ->> 'type' else 'file' end, new.in_path);
    insert into mymetadata values (path_hash(new.in_path), new.in_type, new.in_json);
    return null;
end $$;

create function ingested_lines() returns trigger language plpgsql as $$
begin
    insert into paths (pa_hash, pa_type, pa_path, pa_parents)
    select distinct on (hash) hash, type, path, array(select path_hash(p) from parent_paths(path) p) from mypaths
    on conflict (pa_hash) do update set pa_ingested = excluded.pa_ingested;
    insert into metadata (md_hash, md_type, md_json) select distinct on (hash, type) hash, type, json from mymetadata
    on conflict (md_hash, md_type) do update set md_json = excluded.md_json, md_ingested = excluded.md_ingested;
    return null;
end $$;

create trigger a_line before insert on ingest for each row execute function ingest_line();
create trigger all_lines after insert on ingest for each statement execute function ingested_lines();

create function posix_time(json jsonb, key text) returns timestamptz stable language sql as $$ select to_timestamp((json ->> key)::float8) $$;

create materialized view files as
    select pa_hash fi_hash, pa_parents[array_length(pa_parents, 1)] fi_parent, substring(pa_path from '[^/]*$') fi_name,
           (md_json ->> 'size')::bigint fi_size, posix_time(md_json, 'ctime') fi_ctime, posix_time(md_json, 'mtime') fi_mtime,
           posix_time(md_json, 'atime') fi_atime, md_json ->> 'mode' fi_mode, md_json ->> 'inode' fi_inode, md_json ->> 'uid' fi_uid,
           md_json ->> 'gid' fi_gid, md_json ->> 'user' fi_user, md_json ->> 'group' fi_group
    from paths left join metadata on md_hash = pa_hash and md_type = 'posix' where pa_type = 'file' with no data;
create unique index on files (fi_hash);
create materialized view links as
    select pa_hash li_hash, pa_parents[array_length(pa_parents, 1)] li_parent, substring(pa_path from '[^/]*$') li_name,
           md_json ->> 'target' li_target, md_json ->> 'intact' li_intact
    from paths left join metadata on md_hash = pa_hash and md_type = 'posix' where pa_type = 'link' with no data;
create unique index on links (li_hash);
create materialized view directories as
    select pa_hash di_hash, pa_parents[array_length(pa_parents, 1)] di_parent, substring(pa_path from '[^/]*$') di_name,
           posix_time(md_json, 'mtime') di_mtime, md_json ->> 'mode' di_mode, ta_count di_count, ta_size di_size
    from paths left join metadata on md_hash = pa_hash and md_type = 'posix' left join tallies on ta_hash = pa_hash
    where pa_type = 'directory' with no data;
create unique index on directories (di_hash);

-- Files, links, counts from the deepest level up, directories.
create function refresh_views() returns void language plpgsql as $$
declare
    level integer;
begin
    refresh materialized view files;
    refresh materialized view links;
    truncate tallies;
    create temporary table in_files on commit drop as select fi_parent parent, count(*) n, sum(fi_size) size from files group by 1;
    for level in select distinct array_length(pa_parents, 1) from paths where pa_type = 'directory' order by 1 desc nulls last loop
        insert into tallies
        select pa_hash, coalesce(f.n, 0) + coalesce(d.n, 0), 4096 + coalesce(f.size, 0) + coalesce(d.size, 0)
        from paths
            left join in_files f on f.parent = pa_hash
            left join (select pa_parents[array_length(pa_parents, 1)] parent, sum(ta_count) n, sum(ta_size) size from tallies
                       join paths on pa_hash = ta_hash where array_length(pa_parents, 1) = level + 1 group by 1) d on d.parent = pa_hash
        where pa_type = 'directory' and array_length(pa_parents, 1) is not distinct from level;
    end loop;
    refresh materialized view directories;
    analyze paths, metadata;
end $$;

create materialized view polygons as
    select md_hash po_hash, array(select jsonb_array_elements_text(g -> 'timestamps')::timestamptz) po_stamps,
           regexp_replace(g ->> 'namespace', '[^A-Za-z0-9_]', '_', 'g') po_name, srid,
           st_geomfromtext(g ->> 'polygon', 0) po_polygon
    from metadata, jsonb_array_elements(md_json -> 'geo_metadata') g, systems
    where md_type = 'gdal' and wkt = g ->> 'proj_wkt' and proj4 = g ->> 'proj4' with no data;

-- New coordinate systems, the polygons, and their indexes: one of space for each system.
create function refresh_polygons() returns void language plpgsql as $$
declare
    system integer;
begin
    insert into systems (wkt, proj4)
    select distinct g ->> 'proj_wkt', g ->> 'proj4' from metadata, jsonb_array_elements(md_json -> 'geo_metadata') g
    where md_type = 'gdal' and g ? 'proj_wkt' on conflict do nothing;
    set local work_mem = '1GB';
    set local max_parallel_workers_per_gather = 4;
    refresh materialized view polygons;
    create index on polygons (po_hash);
    create index on polygons (po_name);
    create index on polygons ((po_stamps[1]), (po_stamps[array_length(po_stamps, 1)]));
    create index on polygons using gin (po_stamps);
    create index on polygons using gist (tstzrange(po_stamps[1], po_stamps[array_length(po_stamps, 1)], '[]'));
    for system in select srid from systems loop
        execute format('create index on polygons using gist (po_polygon) where srid = %s', system);
    end loop;
    analyze polygons;
end $$;
