-- Files that are known only by records of other crawlers: a row without posix facts, counted like any other.
  with new as (
    insert into files (fi_hash, fi_parent, fi_name)
    select s.pa_hash, s.pa_parents[array_length(s.pa_parents, 1)], right(s.pa_path, position('/' in reverse(s.pa_path)) - 1)
      from stage_paths s
     where s.pa_type = 'file'
       and not exists (select from files where fi_hash = s.pa_hash)
     order by s.pa_hash
        on conflict (fi_hash) do nothing
    returning fi_parent
  )
insert into stage_delta (sd_dir, sd_count, sd_size, sd_datasets)
select fi_parent, count(*), 0, 0
  from new
 group by fi_parent;
