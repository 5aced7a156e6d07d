-- Files with the same content (SHA-256) below a directory, those that waste most first. Hard links waste nothing.
-- $1 dir     uuid      key of the directory; null: all of the shard
-- $2 uid     bigint    who asks; null: sees all
-- $3 groups  bigint[]
-- $4 depth   integer   directories above the directory
-- $5 after_wasted bigint  go on behind this waste ...
-- $6 after_sha256 text    ... and sum; null: from the start
-- $7 count   bigint    at most; null: all
-- >> sha256  bytea
-- >> size    bigint    bytes of one
-- >> copies  bigint
-- >> wasted  bigint    bytes that would be free if there were one
-- >> paths   text      JSON: the first 100
-- >> key     text
select fi_sha256 as sha256, size, copies, wasted, to_jsonb(paths[1:100])::text as paths,
       wasted || ' ' || encode(fi_sha256, 'hex') as key
  from (select fi_sha256, max(fi_size) size, count(*) copies, max(fi_size) * (count(distinct coalesce(fi_inode, pa_path)) - 1) wasted,
               array_agg(pa_path order by pa_path) paths
          from files
          join paths on pa_hash = fi_hash
         where fi_sha256 is not null and fi_size > 0
           and ($1::uuid is null or pa_parents @> array[$1::uuid])
           and ($2::bigint is null or catalog.may(4, $2::bigint, $3::bigint[], fi_nuid, fi_ngid, fi_nmode))
           and ($2::bigint is null or not exists (
                select from directories
                 where di_hash = any(pa_parents[$4::integer + 1:])
                   and not catalog.may(5, $2::bigint, $3::bigint[], di_nuid, di_ngid, di_nmode)))
         group by fi_sha256
        having count(*) > 1) t
 where $5::bigint is null
    or (-wasted, encode(fi_sha256, 'hex')) > (-($5::bigint), $6::text)
 order by wasted desc, encode(fi_sha256, 'hex')
 limit $7::bigint;
