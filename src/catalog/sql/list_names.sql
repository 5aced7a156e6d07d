-- What is in a directory, in the order of the names. Entries of / have no parent.
-- $1 dir    uuid    key of the directory
-- $2 path   text    its path with a slash at the end
-- $3 after  text    go on behind this name; null: from the start
-- $4 type   text    only file, directory or link; null: all
-- $5 uid    bigint  who asks: told the kind of files that he may read; null: of all
-- $6 groups bigint[]
-- $7 count  bigint  at most; null: all
-- >> path   text
-- >> name   text
-- >> type   text
-- >> size   bigint       bytes; of a directory those of all files below
-- >> mtime  timestamptz
-- >> mode   text
-- >> uid    bigint
-- >> gid    bigint
-- >> user   text
-- >> group  text
-- >> kind   text         format or media type by content
-- >> files  bigint       of a directory: files below, at any depth
-- >> target text         of a link
-- >> key    text         where the next page starts
select $2::text || en_name as path, en_name as name, en_type as type, en_size as size, en_mtime as mtime, en_mode as mode,
       en_nuid as uid, en_ngid as gid, en_user as "user", en_group as "group", 
       case when $5::bigint is null or catalog.may(4, $5::bigint, $6::bigint[], en_nuid, en_ngid, en_nmode) then en_kind end as kind,
       en_files as files,
       en_target as target, en_name as key
  from (select * from entries where en_parent = $1::uuid and en_name > coalesce($3::text, '')
         union all
        select * from entries
         where $1::uuid = md5('/')::uuid and en_hash <> $1::uuid and en_parent is null and en_name > coalesce($3::text, '')) e
 where $4::text is null or en_type = $4::text
 order by en_name
 limit $7::bigint;
