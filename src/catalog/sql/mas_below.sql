-- The directories right in a directory.
-- $1 hash  uuid
-- >> di_name  text
select di_name
  from directories
 where di_parent = $1::uuid
 order by di_name;
