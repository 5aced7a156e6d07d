-- Forget what was found in directories in which one of the batch was missing: they were seen without it. Not what another
-- batch, that has it, notes of one meanwhile: that row is in another place when this comes to it.
delete from scans
 using (select n.ctid place
          from stage_paths s
          join scans n on n.sc_dir = s.pa_parents[array_length(s.pa_parents, 1)]
         where s.pa_type = 'directory'
           and not exists (select from paths p where p.pa_hash = s.pa_hash)) seen
 where scans.ctid = seen.place;
