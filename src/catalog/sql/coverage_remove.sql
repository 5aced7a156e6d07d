-- Remove the coverage of directories, and the note that it is due.
-- $1 dirs  uuid[]
with d as (
    delete from coverage_due where cd_dir = any($1::uuid[])
)
delete from coverage where co_dir = any($1::uuid[]);
