-- Links below a directory whose target goes through one of some names, or that lie below one of some directories.
-- $1 root    uuid    null: any
-- $2 names   text[]  as in targets
-- $3 dirs    uuid[]
-- >> path    text
-- >> intact  boolean
select pa_path path, li_intact intact
  from (select li_hash hash from links where string_to_array(li_target, '/') && $2::text[]
         union
        select pa_hash from paths where pa_parents && $3::uuid[] and pa_type = 'link') found
  join links on li_hash = hash
  join paths on pa_hash = hash
 where $1::uuid is null or pa_parents @> array[$1::uuid];
