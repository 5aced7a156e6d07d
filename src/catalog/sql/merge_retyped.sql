-- Note the paths that were something else before: what was known of that goes, and if it was a directory what was in it.
-- So does what a crawl that was killed had found in one, before it told that this had become a directory; and what was seen
-- in one that became a directory and a file again in between. Some may be told twice; to find that out, room for all that the
-- planner fears would be made ready for every batch.
-- >> found  bigint  paths that are something else or gone
  with old as (
    select s.pa_hash, p.pa_type before, s.pa_type now
      from stage_paths s
      join paths p on p.pa_hash = s.pa_hash
     where p.pa_type is distinct from s.pa_type
        or s.pa_type is distinct from 'directory'
  ), below as (
    insert into stage_gone (sg_hash)
    select p.pa_hash
      from old
      join paths p on p.pa_parents @> array[old.pa_hash]
     where old.before = 'directory'
     union all
    select p.pa_hash
      from stage_paths s
      join scans on sc_dir = s.pa_hash
      join paths p on p.pa_parents @> array[s.pa_hash]
     where s.pa_type is distinct from 'directory'
     union all
    select k.hash
      from old
     cross join lateral (select fi_hash hash from files where fi_parent = old.pa_hash
                          union all
                         select di_hash from directories where di_parent = old.pa_hash
                          union all
                         select li_hash from links where li_parent = old.pa_hash
                          union all
                         select pa_hash from paths
                          where pa_parents[array_length(pa_parents, 1)] = old.pa_hash and pa_type is null
                         offset 0) k
     where old.before is distinct from 'directory'
       and old.now is distinct from 'directory'
    returning 1
  ), numbers as (
    delete from scans using stage_paths s
     where sc_dir = s.pa_hash
       and s.pa_type is distinct from 'directory'
  ), turned as (
    insert into stage_turned (st_hash)
    select pa_hash from old where before is distinct from now
    returning 1
)
select (select count(*) from below) + (select count(*) from turned) found;
