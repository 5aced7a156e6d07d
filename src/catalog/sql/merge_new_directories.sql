-- Take in the directories among the batch's paths; others may add the same at once.
insert into paths (pa_hash, pa_type, pa_path, pa_parents)
select pa_hash, pa_type, pa_path, pa_parents
  from stage_paths
 where pa_type = 'directory'
 order by pa_hash
    on conflict (pa_hash) do nothing;
