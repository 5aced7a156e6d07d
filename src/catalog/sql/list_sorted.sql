-- What is in a directory, the largest or the newest first.
-- $1 dir     uuid    key of the directory
-- $2 path    text    its path with a slash at the end
-- $3 sort    text    size or mtime
-- $4 number  bigint  go on behind this size or time (microseconds since 1970) ...
-- $5 name    text    ... and name; both null: from the start
-- $6 type    text    only file, directory or link; null: all
-- $7 uid    bigint  who asks: told the kind of files that he may read; null: of all
-- $8 groups bigint[]
-- $9 count  bigint  at most; null: all
-- >> path    text
-- >> name    text
-- >> type    text
-- >> size    bigint
-- >> mtime   timestamptz
-- >> mode    text
-- >> uid     bigint
-- >> gid     bigint
-- >> user    text
-- >> group   text
-- >> kind    text
-- >> files   bigint
-- >> target  text
-- >> key     text
select $2::text || en_name as path, en_name as name, en_type as type, en_size as size, en_mtime as mtime, en_mode as mode,
       en_nuid as uid, en_ngid as gid, en_user as "user", en_group as "group", 
       case when $7::bigint is null or catalog.may(4, $7::bigint, $8::bigint[], en_nuid, en_ngid, en_nmode) then en_kind end as kind,
       en_files as files,
       en_target as target, number || ' ' || en_name as key
  from (select * from entries where en_parent = $1::uuid
         union all
        select * from entries where $1::uuid = md5('/')::uuid and en_hash <> $1::uuid and en_parent is null) e
 cross join lateral (select coalesce(case $3::text when 'size' then en_size
                                          else (extract(epoch from en_mtime) * 1000000)::bigint end, -1) number) n
 where ($4::bigint is null or number < $4::bigint or number = $4::bigint and en_name > $5::text)
   and ($6::text is null or en_type = $6::text)
 order by number desc, en_name
 limit $9::bigint;
