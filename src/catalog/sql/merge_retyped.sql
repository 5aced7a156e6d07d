-- Note the paths that were something else before: what was known of that goes, and if it was a directory what was in it.
-- So does what a crawl that was killed had found in one, before it told that this had become a directory. Some may be told
-- twice; to find that out, room for all that the planner fears would be made ready for every batch.
  with old as (
    select s.pa_hash, p.pa_type
      from stage_paths s
      join paths p on p.pa_hash = s.pa_hash and p.pa_type is distinct from s.pa_type
  ), below as (
    insert into stage_gone (sg_hash)
    select p.pa_hash
      from old
      join paths p on p.pa_parents @> array[old.pa_hash]
     where old.pa_type = 'directory'
     union all
    select p.pa_hash
      from stage_paths s
      join scans on sc_dir = s.pa_hash
      join paths p on p.pa_parents @> array[s.pa_hash]
     where s.pa_type is distinct from 'directory'
  ), numbers as (
    delete from scans using stage_paths s
     where sc_dir = s.pa_hash
       and s.pa_type is distinct from 'directory'
  )
insert into stage_turned (st_hash)
select pa_hash from old;
