-- The directories that things come to lie in: they may be missing.
insert into stage_above (sa_hash, sa_path)
select distinct sm_parents[array_length(sm_parents, 1)], left(sm_path, -position('/' in reverse(sm_path)))
  from stage_moved
 where sm_top
   and sm_parents <> '{}';
