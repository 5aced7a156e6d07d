-- Add the directories that paths lie in and nobody wrote a record of.
-- $1 root   text    of the shard
-- >> added  bigint
select catalog.add_missing_directories($1::text) added;
