-- Note what is known at the old places and below, and where it comes to lie. As rename_gone.sql, by index.
insert into stage_moved (sm_no, sm_top, sm_old, sm_new, sm_above, sm_path, sm_parents)
  with recursive moved (no, top, old, above, path) as (
    select sr_no, true, pa_hash, pa_parents[array_length(pa_parents, 1)], sr_to
      from stage_rename
      join paths on pa_hash = md5(sr_from)::uuid
     union all
    select no, false, k.hash, null, path || '/' || k.name
      from moved
     cross join lateral (select fi_hash hash, fi_name name from files where fi_parent = old
                          union all
                         select di_hash, di_name from directories where di_parent = old
                          union all
                         select li_hash, li_name from links where li_parent = old
                          union all
                         select pa_hash, right(pa_path, position('/' in reverse(pa_path)) - 1) from paths
                          where pa_parents[array_length(pa_parents, 1)] = old and pa_type is null
                         offset 0) k
)
select no, top, old, md5(path)::uuid, above, path,
       array(select md5(array_to_string((string_to_array(path, '/'))[1:i], '/'))::uuid
               from generate_series(2, array_length(string_to_array(path, '/'), 1) - 1) i)
  from moved;
