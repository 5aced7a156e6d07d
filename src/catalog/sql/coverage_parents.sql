-- The directories above each directory that has datasets right in it, itself included.
-- $1 came  boolean  only where something came
-- >> pa_hash  uuid
-- >> above    uuid[]
select pa_hash, pa_parents || pa_hash above
  from paths
 where pa_hash in (select ds_parent from datasets where not $1::boolean
                    union
                   select ds_parent from coverage_new join datasets on ds_id = cn_dataset where $1::boolean);
