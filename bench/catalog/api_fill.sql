-- Fills the shard `big` (root /big, no paths yet, no indexes) with a made tree: :dirs directories five deep, ten files in
-- each, one link in ten directories. Run by api_bench.sh in psql with search_path set to the shard.
\set ON_ERROR_STOP on
select catalog.drop_indexes();

create temporary table made_dirs as
select n, case when n = 1 then '/big'
               when n <= 21 then format('/big/p%s', n - 1)
               when n <= 421 then format('/big/p%s/g%s', (n - 22) % 20 + 1, (n - 22) / 20)
               when n <= 10421 then format('/big/p%s/g%s/y%s', (n - 422) % 20 + 1, (n - 422) / 20 % 20, (n - 422) / 400)
               else format('/big/p%s/g%s/y%s/d%s', (n - 10422) % 20 + 1, (n - 10422) / 20 % 20, (n - 10422) / 400 % 25, (n - 10422) / 10000)
          end path
  from generate_series(1, :dirs) n;

create temporary table made_above as
select n, path, md5(path)::uuid hash,
       (select array_agg(md5(array_to_string((string_to_array(path, '/'))[1:i], '/'))::uuid order by i)
          from generate_series(2, array_length(string_to_array(path, '/'), 1) - 1) i) above
  from made_dirs;

insert into paths (pa_hash, pa_type, pa_path, pa_parents)
select hash, 'directory', path, coalesce(above, '{}') from made_above;
insert into directories (di_hash, di_parent, di_name, di_mtime, di_mode, di_user, di_group, di_uid, di_gid, di_nuid, di_ngid, di_nmode)
select hash, above[array_length(above, 1)], substring(path from '[^/]*$'), timestamptz '2015-01-01' + n * interval '7 minutes',
       'drwxr-xr-x', 'u' || n % 50, 'g' || n % 7, n % 50, n % 7, n % 50, n % 7, 493
  from made_above;

create temporary table made_files as
select n * 10 + k no, hash parent, above || hash above, path || format('/f%s_%s.%s', n, k, (array['nc','tif','txt','h5'])[k % 4 + 1]) path,
       format('f%s_%s.%s', n, k, (array['nc','tif','txt','h5'])[k % 4 + 1]) name
  from made_above cross join generate_series(0, 9) k;

insert into paths (pa_hash, pa_type, pa_path, pa_parents)
select md5(path)::uuid, 'file', path, above from made_files;
insert into files (fi_hash, fi_parent, fi_name, fi_size, fi_mtime, fi_ctime, fi_mode, fi_inode, fi_user, fi_group, fi_uid, fi_gid,
                   fi_nuid, fi_ngid, fi_nmode, fi_nanos, fi_kind, fi_sha256)
select md5(path)::uuid, parent, name, (hashint8(no) & 1048575)::bigint * (no % 97), timestamptz '2015-01-01' + no * interval '40 seconds',
       now(), '-rw-r--r--', no::text, 'u' || no % 50, 'g' || no % 7, no % 50, no % 7, no % 50, no % 7, 420, 0,
       (array['application/x-netcdf','image/tiff','text/plain','application/x-hdf5'])[no % 4 + 1],
       case when no % 10 = 0 then decode(md5((no / 20)::text) || md5('x'), 'hex') end
  from made_files;
insert into paths (pa_hash, pa_type, pa_path, pa_parents)
select md5(path || '/latest')::uuid, 'link', path || '/latest', above || hash from made_above where n % 10 = 0;
insert into links (li_hash, li_parent, li_name, li_mtime, li_nuid, li_ngid, li_user, li_intact, li_target)
select md5(path || '/latest')::uuid, hash, 'latest', timestamptz '2015-01-01' + n * interval '3 hours', 1, 1, 'u1', true, 'f' from made_above where n % 10 = 0;

select catalog.build_index(x) from (values (false), (true)) l (late), catalog.missing_indexes(late) x;
analyze paths, files, directories, links, records;
select catalog.rebuild_tallies();
vacuum analyze paths, files, directories, links, records;
