-- Forget a crawler's problems at or below a path that did not come again.
-- $1 type   text
-- $2 root   text
-- $3 since  timestamptz  when the crawl began
delete from problems
 where pr_type = $1::text
   and (pr_path = $2::text or starts_with(pr_path, rtrim($2::text, '/') || '/'))
   and pr_at < $3::timestamptz;
