-- Note the paths that were something else before: what was known of that goes, and if it was a directory what was in it.
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
  )
insert into stage_turned (st_hash)
select pa_hash from old;
