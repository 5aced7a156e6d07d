-- How fresh a directory and what is below it are: the newest crawl of each root and kind that covers it, or a part of it.
-- $1 path    text
-- $2 after   bigint  go on behind this crawl; null: from the start
-- $3 uid     bigint  who asks: only crawls of what a walk from the path comes to; null: all
-- $4 groups  bigint[]
-- $5 count   bigint  at most; null: all
-- >> root    text         what was crawled
-- >> kind    text         the crawler
-- >> covers  text         all or part of the path
-- >> started timestamptz
-- >> finished timestamptz null: under way, or interrupted
-- >> age     bigint       seconds since it started: nothing seen is older
-- >> result  text         JSON: what it found
-- >> key     text
select cr_root as root, cr_kind as kind,
       case when cr_root = $1::text or starts_with($1::text, rtrim(cr_root, '/') || '/') then 'all' else 'part' end as covers,
       cr_started as started, cr_finished as finished, extract(epoch from now() - cr_started)::bigint as age,
       cr_result::text as result, cr_id::text as key
  from crawls
 where (cr_root = $1::text or starts_with($1::text, rtrim(cr_root, '/') || '/') or starts_with(cr_root, rtrim($1::text, '/') || '/'))
   and ($2::bigint is null or cr_id < $2::bigint)
   and ($3::bigint is null or not exists (
        select from generate_series(2, length(cr_root)) n
          join directories on substr(cr_root, n, 1) = '/' and di_hash = md5(left(cr_root, n - 1))::uuid
         where not catalog.may(case when n > length($1::text) then 5 else 1 end, $3::bigint, $4::bigint[],
                               di_nuid, di_ngid, di_nmode)))
 order by cr_id desc
 limit $5::bigint;
