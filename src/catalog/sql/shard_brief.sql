-- What the shard that is in use holds, without counting rows of a large table.
-- $1 root      text
-- $2 problems  integer  count no more
-- >> files     bigint   below the root; null where no crawl of it has ended
-- >> bytes     bigint   of these
-- >> problems  bigint
-- >> crawled   timestamptz  when the last crawl of the tree ended
select d.di_count::bigint files, d.di_size::bigint bytes,
       (select count(*) from (select from problems limit $2::integer) p) problems,
       (select cr_finished from crawls where cr_finished is not null and cr_kind = 'posix' order by cr_finished desc limit 1) crawled
  from (values (path_hash($1::text))) root (hash)
  left join directories d on d.di_hash = root.hash;
