-- Paths that were something else before: what was derived of that goes, and if it was a directory what was in it.
  with old as (
    select s.pa_hash, p.pa_type
      from stage_paths s
      join paths p on p.pa_hash = s.pa_hash and p.pa_type is distinct from s.pa_type
  ), f as (
    delete from files using old where fi_hash = old.pa_hash returning fi_parent, fi_size
  ), d as (
    delete from directories using old where di_hash = old.pa_hash
  ), l as (
    delete from links using old where li_hash = old.pa_hash
  ), c as (
    delete from scans using old where sc_dir = old.pa_hash and old.pa_type = 'directory'
  ), m as (
    insert into stage_delta (sd_dir, sd_count, sd_size, sd_datasets)
    select fi_parent, -1, -coalesce(fi_size, 0), 0 from f
  ), t as (
    insert into stage_turned (st_hash)
    select old.pa_hash from old join stage_paths s on s.pa_hash = old.pa_hash and s.pa_type = 'directory'
  )
insert into stage_gone (sg_hash)
select p.pa_hash
  from old
  join paths p on p.pa_parents @> array[old.pa_hash]
 where old.pa_type = 'directory';
