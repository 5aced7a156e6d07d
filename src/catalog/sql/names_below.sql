-- The names of all that is known below a directory, each once.
-- $1 dir   uuid
-- >> name  text
select distinct substring(pa_path from '[^/]*$') as name
  from paths
 where pa_parents @> array[$1::uuid];
