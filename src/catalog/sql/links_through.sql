-- Links below a directory whose target goes through one of some names, or that lie below one of some directories.
-- $1 root    uuid    null: any
-- $2 names   text[]  as in targets
-- $3 dirs    uuid[]
-- >> path    text
-- >> intact  boolean
select pa_path path, li_intact intact
  from links
  join paths on pa_hash = li_hash
 where ($1::uuid is null or pa_parents @> array[$1::uuid])
   and (string_to_array(li_target, '/') && $2::text[] or pa_parents && $3::uuid[]);
