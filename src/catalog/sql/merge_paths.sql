-- Take in the batch's paths. One that nobody gave a type keeps the type it has.
insert into paths (pa_hash, pa_type, pa_path, pa_parents)
select pa_hash, pa_type, pa_path, pa_parents
  from stage_paths
 order by pa_hash
    on conflict (pa_hash) do update
   set pa_type = excluded.pa_type, pa_ingested = now()
 where paths.pa_type is distinct from excluded.pa_type;
