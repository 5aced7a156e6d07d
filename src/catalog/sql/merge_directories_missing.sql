-- Add to the batch the directories that its paths lie in and the catalogue does not have.
-- $1 root   text    of the shard
-- >> added  bigint
select catalog.add_missing_directories('stage_paths', $1::text) added;
