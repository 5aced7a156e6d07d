-- Files and bytes below a directory by who owns them or what they are, the largest first.
-- $1 dir     uuid      key of the directory; null: all of the shard
-- $2 by      text      user, group, kind or suffix
-- $3 uid     bigint    who asks; null: sees all
-- $4 groups  bigint[]
-- $5 depth   integer   directories above the directory
-- $6 after_size  bigint  go on behind this size ...
-- $7 after_value text    ... and value; null: from the start
-- $8 count   bigint    at most; null: all
-- >> value   text      null: not known
-- >> files   bigint
-- >> size    bigint    bytes
-- >> oldest  timestamptz
-- >> newest  timestamptz
-- >> key     text
select value, files, size, oldest, newest, size || ' ' || coalesce('=' || value, '-') as key
  from (select case $2::text when 'user' then coalesce(fi_user, fi_nuid::text)
                             when 'group' then coalesce(fi_group, fi_ngid::text)
                             when 'kind' then case when $3::bigint is null
                                               or catalog.may(4, $3::bigint, $4::bigint[], fi_nuid, fi_ngid, fi_nmode) then fi_kind end
                             else substring(fi_name from '^.+\.([A-Za-z0-9_]{1,16})$') end as value,
               count(*) files, coalesce(sum(fi_size), 0)::bigint size, min(fi_mtime) oldest, max(fi_mtime) newest
          from files
          join paths on pa_hash = fi_hash
         where ($1::uuid is null or pa_parents @> array[$1::uuid])
           and ($3::bigint is null or not exists (
                select from directories
                 where di_hash = any(pa_parents[$5::integer + 1:])
                   and not catalog.may(5, $3::bigint, $4::bigint[], di_nuid, di_ngid, di_nmode)))
         group by 1) u
 where $6::bigint is null
    or (-size, coalesce('=' || value, '-')) > (-($6::bigint), $7::text)
 order by size desc, coalesce('=' || value, '-')
 limit $8::bigint;
