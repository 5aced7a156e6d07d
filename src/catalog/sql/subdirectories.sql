-- The names of the directories that are known to be in a directory, as text of pathname.h.
-- $1 dir   uuid
-- >> name  text
select di_name as name
  from directories
 where di_parent = $1::uuid;
