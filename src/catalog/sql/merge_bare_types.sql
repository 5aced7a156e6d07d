-- Paths of records of other crawlers: they are what the catalogue knows them as, and files if it does not.
update stage_paths s
   set pa_type = case when p.pa_hash is null then 'file' else p.pa_type end
  from stage_paths k
  left join paths p on p.pa_hash = k.pa_hash
 where s.pa_hash = k.pa_hash
   and s.pa_type is null
   and not exists (select from stage_records where md_hash = s.pa_hash and md_type = 'posix');
