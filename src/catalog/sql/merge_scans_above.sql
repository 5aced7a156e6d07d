-- Forget what was found in directories in which one of the batch was missing: they were seen without it.
delete from scans
 using stage_paths s
 where sc_dir = s.pa_parents[array_length(s.pa_parents, 1)]
   and s.pa_type = 'directory'
   and not exists (select from paths p where p.pa_hash = s.pa_hash);
