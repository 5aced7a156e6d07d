-- What the batch's files change in their directories: number and bytes.
insert into stage_delta (sd_dir, sd_count, sd_size, sd_datasets)
select n.fi_parent, count(*) filter (where o.fi_hash is null), sum(coalesce(n.fi_size, 0) - coalesce(o.fi_size, 0)), 0
  from stage_files n
  left join files o on o.fi_hash = n.fi_hash
 group by n.fi_parent
having count(*) filter (where o.fi_hash is null) <> 0 or sum(coalesce(n.fi_size, 0) - coalesce(o.fi_size, 0)) <> 0;
