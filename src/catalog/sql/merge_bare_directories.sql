-- Directories that paths lie in and nobody wrote a record of.
insert into directories (di_hash, di_parent, di_name)
select s.pa_hash, s.pa_parents[array_length(s.pa_parents, 1)], right(s.pa_path, position('/' in reverse(s.pa_path)) - 1)
  from stage_paths s
 where s.pa_type = 'directory'
   and not exists (select from directories where di_hash = s.pa_hash)
 order by s.pa_hash
    on conflict (di_hash) do nothing;
