-- Note renames that do not touch each other's paths, and forget what crawls found in the directories that they change.
-- $1 froms    text[]
-- $2 tos      text[]
-- $3 parents  uuid[]  the directories of both
with forgotten as (
    delete from scans where sc_dir = any($3::uuid[])
)
insert into stage_rename (sr_no, sr_from, sr_to)
select no, old, new
  from unnest($1::text[], $2::text[]) with ordinality k (old, new, no);
