-- The keys of all that is known to be in a directory.
-- $1 dir   uuid
-- >> hash  uuid
select pa_hash hash
  from paths
 where pa_parents[array_length(pa_parents, 1)] = $1::uuid;
