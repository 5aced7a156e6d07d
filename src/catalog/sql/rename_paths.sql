-- Give the paths that move their new names.
update paths
   set pa_hash = sm_new, pa_path = sm_path, pa_parents = sm_parents
  from stage_moved
 where pa_hash = sm_old;
