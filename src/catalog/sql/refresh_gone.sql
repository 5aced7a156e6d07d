-- Remove rows of paths that are not what these rows say.
  with d as (
    delete from directories where di_hash not in (select di_hash from stage_directories)
  ), l as (
    delete from links where li_hash not in (select li_hash from stage_links)
  )
delete from files where fi_hash not in (select fi_hash from stage_files);
