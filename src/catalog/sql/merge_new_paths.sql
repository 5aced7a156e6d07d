-- Take in those of the batch's new paths that are no directories.
insert into paths (pa_hash, pa_type, pa_path, pa_parents)
select pa_hash, pa_type, pa_path, pa_parents
  from stage_paths
 where pa_type is distinct from 'directory'
 order by pa_hash;
