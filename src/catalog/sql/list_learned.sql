-- The paths below a directory that the catalogue took in last, the newest first.
-- $1 dir     uuid      key of the directory; null: all of the shard
-- $2 start   uuid      not this one itself
-- $3 since   timestamptz  taken in at this time or later; null: whenever
-- $4 uid     bigint    who asks; null: sees all
-- $5 groups  bigint[]
-- $6 depth   integer   directories above the directory
-- $7 after_time bigint go on behind this time (microseconds since 1970) ...
-- $8 after_hash uuid   ... and key; null: from the start
-- $9 count   bigint    at most; null: all
-- >> path    text
-- >> type    text
-- >> size    bigint
-- >> mtime   timestamptz
-- >> user    text
-- >> learned timestamptz
-- >> key     text
select pa_path as path, pa_type::text as type, en_size as size, en_mtime as mtime, en_user as "user",
       pa_ingested at time zone 'UTC' as learned, (extract(epoch from pa_ingested) * 1000000)::bigint || ' ' || pa_hash as key
  from (select * from paths
         where pa_hash <> $2::uuid
           and ($1::uuid is null or pa_parents @> array[$1::uuid])
           and ($3::timestamptz is null or pa_ingested >= $3::timestamptz at time zone 'UTC')
           and ($8::uuid is null
                or (extract(epoch from pa_ingested) * 1000000)::bigint < $7::bigint
                or (extract(epoch from pa_ingested) * 1000000)::bigint = $7::bigint and pa_hash > $8::uuid)
           and ($4::bigint is null or not exists (
                select from directories
                 where di_hash = any(pa_parents[$6::integer + 1:])
                   and not catalog.may(5, $4::bigint, $5::bigint[], di_nuid, di_ngid, di_nmode)))
         order by pa_ingested desc, pa_hash
         limit $9::bigint) p
  left join entries on en_hash = pa_hash
 order by pa_ingested desc, pa_hash;
