-- Forget what the last crawl found in some directories, so that the next one compares them again.
-- $1 dirs  uuid[]
delete from scans where sc_dir = any($1::uuid[]);
