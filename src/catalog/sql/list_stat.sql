-- All that is known about one path. What was read out of a file is for those who may read it.
-- $1 hash     uuid
-- $2 uid      bigint    who asks; null: sees all
-- $3 groups   bigint[]
-- >> path     text
-- >> name     text
-- >> type     text
-- >> size     bigint       bytes; of a directory those of all files below
-- >> mtime    timestamptz
-- >> ctime    timestamptz
-- >> atime    timestamptz
-- >> mode     text
-- >> inode    text
-- >> uid      bigint
-- >> gid      bigint
-- >> user     text
-- >> group    text
-- >> kind     text         format or media type by content
-- >> sha256   bytea
-- >> files    bigint       of a directory: files below, at any depth
-- >> datasets bigint       of the files below, or of this one
-- >> target   text         of a link
-- >> intact   boolean      of a link: what it names was there
-- >> learned  timestamptz  when the path was last taken in
-- >> records  text         JSON: the types of its records and when they were taken in
-- >> problems text         JSON: what could not be read
-- >> key      text
select pa_path as path, coalesce(en_name, substring(pa_path from '[^/]*$')) as name, pa_type::text as type, en_size as size,
       en_mtime as mtime, en_ctime as ctime, en_atime as atime, en_mode as mode, en_inode as inode, en_nuid as uid,
       en_ngid as gid, en_user as "user", en_group as "group", case when open then en_kind end as kind,
       case when open then en_sha256 end as sha256, en_files as files,
       coalesce(en_datasets, case when open then (select count(*) from datasets where po_hash = $1::uuid) end) as datasets,
       en_target as target, en_intact as intact, pa_ingested at time zone 'UTC' as learned,
       (select coalesce(jsonb_agg(jsonb_build_object('type', md_type, 'learned',
                           to_char(md_ingested, 'YYYY-MM-DD"T"HH24:MI:SS"Z"')) order by md_type), '[]')
          from metadata where md_hash = $1::uuid and (open or md_type = 'posix'))::text as records,
       (select coalesce(jsonb_agg(jsonb_build_object('type', pr_type, 'text', pr_text) order by pr_type), '[]')
          from problems where pr_path = pa_path and (open or pr_type = 'posix'))::text as problems,
       '' as key
  from paths
  left join entries on en_hash = pa_hash
 cross join lateral (select $2::bigint is null or pa_type <> 'file'
                            or catalog.may(4, $2::bigint, $3::bigint[], en_nuid, en_ngid, en_nmode) open) o
 where pa_hash = $1::uuid;
