-- Put right in which directory a path is and what it is called there.
-- >> changed  bigint
  with d as (
    update directories o
       set di_parent = s.di_parent, di_name = s.di_name
      from stage_directories s
     where o.di_hash = s.di_hash
       and (o.di_parent, o.di_name) is distinct from (s.di_parent, s.di_name)
    returning 1
  ), l as (
    update links o
       set li_parent = s.li_parent, li_name = s.li_name
      from stage_links s
     where o.li_hash = s.li_hash
       and (o.li_parent, o.li_name) is distinct from (s.li_parent, s.li_name)
    returning 1
  ), f as (
    update files o
       set fi_parent = s.fi_parent, fi_name = s.fi_name
      from stage_files s
     where o.fi_hash = s.fi_hash
       and (o.fi_parent, o.fi_name) is distinct from (s.fi_parent, s.fi_name)
    returning 1
  )
select (select count(*) from d) + (select count(*) from l) + (select count(*) from f) changed;
