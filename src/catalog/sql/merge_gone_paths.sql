-- Add what lies below the paths that are gone to them, directory by directory: an index of all that is above a path would be
-- searched for each of them, which took seconds for some thousand.
insert into stage_gone (sg_hash)
  with recursive below (hash) as (
    select distinct sg_hash from stage_gone
     union all
    select k.hash
      from below
     cross join lateral (select fi_hash hash from files where fi_parent = below.hash
                          union all
                         select di_hash from directories where di_parent = below.hash
                          union all
                         select li_hash from links where li_parent = below.hash
                          union all
                         select pa_hash from paths
                          where pa_parents[array_length(pa_parents, 1)] = below.hash and pa_type is null
                         offset 0) k
     where not exists (select from stage_gone where sg_hash = k.hash)
)
select hash
  from below
 where not exists (select from stage_gone where sg_hash = hash);
