-- What was at the new places and below is gone, but for what moves. Asked for directory by directory: the planner, which
-- cannot know how little there is, would read everything.
insert into stage_gone (sg_hash)
  with recursive gone (hash) as (
    select pa_hash
      from stage_moved
      join paths on pa_hash = sm_new
     where sm_top
     union all
    select k.hash
      from gone
     cross join lateral (select fi_hash hash from files where fi_parent = gone.hash
                          union all
                         select di_hash from directories where di_parent = gone.hash
                          union all
                         select li_hash from links where li_parent = gone.hash
                          union all
                         select pa_hash from paths
                          where pa_parents[array_length(pa_parents, 1)] = gone.hash and pa_type is null
                         offset 0) k
)
select hash
  from gone
 where not exists (select from stage_moved where sm_old = hash);
