-- Note what is known at the old places and below, and where it comes to lie. As rename_gone.sql, by index.
insert into stage_moved (sm_no, sm_top, sm_old, sm_new, sm_above, sm_path, sm_parents)
  with recursive moved (no, top, old, above, path) as (
    select sr_no, true, pa_hash, pa_parents[array_length(pa_parents, 1)], sr_to
      from stage_rename
      join paths on pa_hash = md5(sr_from)::uuid
     union all
    select no, false, pa_hash, null, path || right(pa_path, position('/' in reverse(pa_path)))
      from moved
     cross join lateral (select pa_hash, pa_path from paths where pa_parents[array_length(pa_parents, 1)] = old offset 0) k
)
select no, top, old, md5(path)::uuid, above, path,
       array(select md5(array_to_string((string_to_array(path, '/'))[1:i], '/'))::uuid
               from generate_series(2, array_length(string_to_array(path, '/'), 1) - 1) i)
  from moved;
