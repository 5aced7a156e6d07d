-- Forget what the last crawl found in some directories, so that the next one compares them again. In one order, because
-- batches that have directories in common do it side by side.
-- $1 dirs  uuid[]
delete from scans
 using (select sc_dir dir from scans where sc_dir = any($1::uuid[]) order by sc_dir for update) held
 where sc_dir = dir;
