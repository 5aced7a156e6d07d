-- Who may read what, by the numbers of owner, group and mode; and indexes for finding directories and links.

-- May a user with these groups do `need` (4 read, 2 write, 1 search, added up) to what has this owner, group and mode?
-- As POSIX decides: the owner's bits for the owner, the group's for its members, else those of others. User 0 may all;
-- where nothing is known nobody else may.
create function catalog.may(need integer, uid bigint, groups bigint[], owner bigint, owner_group bigint, mode integer)
returns boolean language sql immutable parallel safe as $$
    select coalesce(uid = 0 or case when owner = uid then mode >> 6
                                    when owner_group = any(groups) then mode >> 3
                                    else mode end & need = need, false)
$$;

-- Do two boxes of longitude and latitude touch? East below west is across the antimeridian.
create function catalog.boxes_touch(w1 double precision, s1 double precision, e1 double precision, n1 double precision,
                                    w2 double precision, s2 double precision, e2 double precision, n2 double precision)
returns boolean language sql immutable parallel safe as $$
    select s1 <= n2 and n1 >= s2
       and case when w1 <= e1 and w2 <= e2 then w1 <= e2 and e1 >= w2
                when w1 > e1 and w2 > e2 then true
                else w1 <= e2 or e1 >= w2 end
$$;

-- What is in a shard: its root's count and size.
create function catalog.shard_tally(shard text, path text, out files bigint, out size bigint, out datasets bigint)
language plpgsql stable as $$
begin
    execute format('select di_count::bigint, di_size::bigint, di_datasets from %I.directories where di_hash = md5($1)::uuid', shard)
       into files, size, datasets using path;
end $$;

-- Who reads asks these functions; what they read has grants of its own.
grant usage on schema catalog to public;

insert into catalog.shard_index (ix_order, ix_name, ix_make) values
    (40, 'dii_name',     'create index dii_name on directories (di_name text_pattern_ops)'),
    (41, 'dii_mtime',    'create index dii_mtime on directories (di_mtime)'),
    (42, 'lii_name',     'create index lii_name on links (li_name text_pattern_ops)'),
    (43, 'lii_mtime',    'create index lii_mtime on links (li_mtime)'),
    (44, 'pai_ingested', 'create index pai_ingested on paths using brin (pa_ingested)');

-- Shards that are there already get them now, and the view of shard.sql.
do $$
declare
    shard text;
begin
    for shard in select sh_code from public.shards loop
        perform set_config('search_path', format('%I, public', shard), true);
        execute $view$
            create view entries as
                select fi_hash en_hash, fi_parent en_parent, fi_name en_name, 'file'::text en_type, fi_size en_size,
                       fi_mtime en_mtime, fi_ctime en_ctime, fi_atime en_atime, fi_mode en_mode, fi_inode en_inode,
                       fi_nuid en_nuid, fi_ngid en_ngid, fi_nmode en_nmode, fi_user en_user, fi_group en_group,
                       fi_kind en_kind, fi_sha256 en_sha256, null::bigint en_files, null::bigint en_datasets,
                       null::text en_target, null::boolean en_intact
                  from files
                 union all
                select di_hash, di_parent, di_name, 'directory', di_size::bigint, di_mtime, di_ctime, di_atime, di_mode, di_inode,
                       di_nuid, di_ngid, di_nmode, di_user, di_group, null, null, di_count::bigint, di_datasets, null, null
                  from directories
                 union all
                select li_hash, li_parent, li_name, 'link', null, li_mtime, li_ctime, li_atime, null, li_inode,
                       li_nuid, li_ngid, null, li_user, li_group, null, null, null, null, li_target, li_intact
                  from links
        $view$;
        execute 'grant select on entries to public';
        perform catalog.build_index(x) from catalog.missing_indexes(false) x
          where not (select sh_bulk from public.shards where sh_code = shard);
    end loop;
    perform set_config('search_path', 'public', true);
end $$;
