-- What the batch's files add to their directories, none of them being known.
insert into stage_delta (sd_dir, sd_count, sd_size, sd_datasets)
select fi_parent, count(*), coalesce(sum(fi_size), 0), 0
  from stage_files
 group by fi_parent;
