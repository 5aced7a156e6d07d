-- Files and bytes below a directory by the time since they changed (mtime), the youngest first.
-- $1 dir     uuid      key of the directory; null: all of the shard
-- $2 uid     bigint    who asks; null: sees all
-- $3 groups  bigint[]
-- $4 depth   integer   directories above the directory
-- $5 after   integer   go on behind this class; null: from the start
-- $6 count   bigint    at most; null: all
-- >> age     text      the class
-- >> files   bigint
-- >> size    bigint    bytes
-- >> oldest  timestamptz
-- >> newest  timestamptz
-- >> key     text
  with classes (no, age) as (values
    (0, 'future'), (1, 'day'),
    (2, 'week'), (3, 'month'),
    (4, 'quarter'), (5, 'year'),
    (6, 'two years'), (7, 'five years'),
    (8, 'older'), (9, 'unknown')
), found as (
    select width_bucket(extract(epoch from now() - fi_mtime), 
                        '{0,86400,604800,2592000,7862400,31536000,63072000,157766400}'::numeric[]) no,
           count(*) files, coalesce(sum(fi_size), 0)::bigint size, min(fi_mtime) oldest, max(fi_mtime) newest
      from files
      join paths on pa_hash = fi_hash
     where ($1::uuid is null or pa_parents @> array[$1::uuid])
       and ($2::bigint is null or not exists (
            select from directories
             where di_hash = any(pa_parents[$4::integer + 1:])
               and not catalog.may(5, $2::bigint, $3::bigint[], di_nuid, di_ngid, di_nmode)))
     group by 1
)
select age, coalesce(files, 0) as files, coalesce(size, 0) as size, oldest, newest, classes.no::text as key
  from classes
  left join found on classes.no = coalesce(found.no, 9)
 where classes.no > coalesce($5::integer, -1)
 order by classes.no
 limit $6::bigint;
