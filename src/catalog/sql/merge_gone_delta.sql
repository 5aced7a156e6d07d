-- What the directories lose with the paths that are gone.
insert into stage_delta (sd_dir, sd_count, sd_size, sd_datasets)
select fi_parent, -count(*), -coalesce(sum(fi_size), 0), -coalesce(sum(n), 0)
  from stage_gone
  join files on fi_hash = sg_hash
  left join lateral (select count(*) n from datasets where po_hash = sg_hash) d on true
 group by fi_parent;
