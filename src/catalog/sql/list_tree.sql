-- What is below a directory, down to a depth, each directory followed by what is in it.
-- $1 dir     uuid
-- $2 path    text      its path with a slash at the end
-- $3 depth   integer   1: what is in it
-- $4 all     boolean   files and links too
-- $5 uid     bigint    who asks: directories he may not list are shown and not entered; null: sees all
-- $6 groups  bigint[]
-- $7 after   text      go on behind this path, relative to the directory; null: from the start
-- $8 count   bigint    at most; null: all
-- >> path    text
-- >> depth   integer
-- >> name    text
-- >> type    text
-- >> size    bigint    bytes; of a directory those of all files below
-- >> files   bigint    of a directory: files below, at any depth
-- >> mtime   timestamptz
-- >> key     text
  with recursive below as (
    select $1::uuid hash, 0 depth, array[]::text[] names, true open, null::text as name, null::text as type, null::bigint size, null::bigint files,
           null::timestamptz mtime
     union all
    select en_hash, depth + 1, names || en_name,
           en_type = 'directory' and ($5::bigint is null or catalog.may(5, $5::bigint, $6::bigint[], en_nuid, en_ngid, en_nmode)),
           en_name, en_type, en_size, en_files, en_mtime
      from below b
     cross join lateral (select * from entries where en_parent = b.hash
                          union all
                         select * from entries where b.hash = md5('/')::uuid and en_hash <> b.hash and en_parent is null) e
     where open and depth < $3::integer and ($4::boolean or en_type = 'directory')
)
select $2::text || array_to_string(names, '/') as path, depth, name, type, size, files, mtime, array_to_string(names, '/') as key
  from below
 where depth > 0
   and ($7::text is null or names > string_to_array($7::text, '/'))
 order by names
 limit $8::bigint;
