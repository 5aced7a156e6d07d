-- Forget a crawler's problems at or below a path with files that it has read since, or that are gone.
-- $1 type   text
-- $2 root   text
-- $3 since  timestamptz  when the crawl began: younger problems stay
delete from problems
 where pr_type = $1::text
   and (pr_path = $2::text or starts_with(pr_path, rtrim($2::text, '/') || '/'))
   and pr_at < $3::timestamptz
   and not exists (select from looks
                    where lk_hash = md5(pr_path)::uuid and lk_type = $1::text and lk_failed);
