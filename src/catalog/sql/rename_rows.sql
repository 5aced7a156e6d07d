-- Let all that is known of the paths that move follow them. Records of datasets hold the path as well.
  with f as (
    update files
       set fi_hash = sm_new, fi_parent = sm_parents[array_length(sm_parents, 1)],
           fi_name = right(sm_path, position('/' in reverse(sm_path)) - 1)
      from stage_moved
     where fi_hash = sm_old
  ), l as (
    update links
       set li_hash = sm_new, li_parent = sm_parents[array_length(sm_parents, 1)],
           li_name = right(sm_path, position('/' in reverse(sm_path)) - 1)
      from stage_moved
     where li_hash = sm_old
  ), d as (
    update directories
       set di_hash = sm_new, di_parent = sm_parents[array_length(sm_parents, 1)],
           di_name = right(sm_path, position('/' in reverse(sm_path)) - 1)
      from stage_moved
     where di_hash = sm_old
  ), s as (
    update scans set sc_dir = sm_new from stage_moved where sc_dir = sm_old
  ), k as (
    update looks set lk_hash = sm_new from stage_moved where lk_hash = sm_old
  ), c as (
    delete from coverage using stage_moved where co_dir = sm_old
  ), o as (
    update datasets
       set po_hash = sm_new, ds_parent = sm_parents[array_length(sm_parents, 1)],
           ds_json = replace(ds_json, trim(both '"' from to_json(sr_from)::text), trim(both '"' from to_json(sr_to)::text))
      from stage_moved
      join stage_rename on sr_no = sm_no
     where po_hash = sm_old
  )
update records
   set md_hash = sm_new,
       md_json = case when md_type <> 'gdal' then md_json end,
       md_text = case when md_type <> 'gdal' then md_text
                      else replace(coalesce(md_text, md_json::text), trim(both '"' from to_json(sr_from)::text),
                                   trim(both '"' from to_json(sr_to)::text)) end
  from stage_moved
  join stage_rename on sr_no = sm_no
 where md_hash = sm_old;
