-- What could not be read at or below a path. A user sees those of paths in directories that he may
-- read; of files that he may not read, only what the file system says.
-- $1 path        text
-- $2 below       text     the same with a slash at the end
-- $3 type        text     the crawler; null: all
-- $4 uid         bigint   who asks; null: sees all
-- $5 groups      bigint[]
-- $6 after_path  text     go on behind this path ...
-- $7 after_type  text     ... and type; null: from the start
-- $8 count       bigint   at most; null: all
-- >> path  text
-- >> type  text
-- >> text  text
-- >> at    timestamptz
-- >> key   text
select pr_path as path, pr_type as type, pr_text as text, pr_at as at, pr_type || chr(9) || pr_path as key
  from problems
 where (pr_path = $1::text or starts_with(pr_path, $2::text))
   and ($3::text is null or pr_type = $3::text)
   and ($6::text is null or (pr_path, pr_type) > ($6::text, $7::text))
   and ($4::bigint is null or pr_type = 'posix' or not exists (
        select from files
         where fi_hash = md5(pr_path)::uuid and not catalog.may(4, $4::bigint, $5::bigint[], fi_nuid, fi_ngid, fi_nmode)))
   and ($4::bigint is null or not exists (
        select from generate_series(2, length(pr_path)) n
          join directories on substr(pr_path, n, 1) = '/' and di_hash = md5(left(pr_path, n - 1))::uuid
         where not catalog.may(case when n > length($1::text) then 5 else 1 end, $4::bigint, $5::bigint[],
                               di_nuid, di_ngid, di_nmode)))
 order by pr_path, pr_type
 limit $8::bigint;
