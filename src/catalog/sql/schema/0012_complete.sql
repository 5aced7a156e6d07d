-- The end of a first load asked the table of paths, the largest, where smaller ones say the same: which directories things
-- are in, and which directories there are.
create or replace function catalog.add_missing_directories(root text) returns bigint language plpgsql as $$
declare
    n bigint;
begin
    with recursive inside (hash) as materialized (
        select fi_parent from files
         union
        select li_parent from links
         union
        select di_parent from directories where di_hash <> md5(root)::uuid
         union
        select pa_parents[array_length(pa_parents, 1)]
          from paths
         where pa_path <> root and (pa_type is null or pa_type = 'directory')
    ), unknown (hash) as materialized (
        select hash from inside where not exists (select from directories where di_hash = hash)
    ), missing (hash) as (
        select hash from unknown where not exists (select from paths p where p.pa_hash = hash)
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

create or replace function catalog.complete_bulk(root text) returns void language plpgsql as $$
begin
    perform catalog.add_missing_directories(root);
    insert into directories (di_hash, di_parent, di_name)
    select pa_hash, pa_parents[array_length(pa_parents, 1)], right(pa_path, position('/' in reverse(pa_path)) - 1)
      from paths
     where pa_type = 'directory' and pa_hash not in (select di_hash from directories);
    delete from scans where not exists (select from directories where di_hash = sc_dir);
    perform catalog.rebuild_tallies();
end $$;
