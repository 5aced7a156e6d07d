-- Remove rows of paths that are not what these rows say.
-- >> removed  bigint
  with d as (
    delete from directories where di_hash not in (select di_hash from stage_directories)
    returning 1
  ), l as (
    delete from links where li_hash not in (select li_hash from stage_links)
    returning 1
  ), f as (
    delete from files where fi_hash not in (select fi_hash from stage_files)
    returning 1
  )
select (select count(*) from d) + (select count(*) from l) + (select count(*) from f) removed;
