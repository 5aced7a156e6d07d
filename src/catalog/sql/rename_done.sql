-- Make room for the next renames of the transaction.
  with r as (delete from stage_rename),
       g as (delete from stage_gone),
       a as (delete from stage_above),
       p as (delete from stage_paths)
delete from stage_moved;
