-- What the directories lose with the paths that are gone, each of which may have been told of more than once.
insert into stage_delta (sd_dir, sd_count, sd_size, sd_datasets)
select fi_parent, -count(*), -coalesce(sum(fi_size), 0), 0
  from (select distinct sg_hash from stage_gone) g
  join files on fi_hash = sg_hash
 group by fi_parent
 union all
select ds_parent, 0, 0, -count(*)
  from (select distinct sg_hash from stage_gone) g
  join datasets on po_hash = sg_hash
 group by ds_parent;
