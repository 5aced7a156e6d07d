-- Complete the directories of a first load: those that are missing, and the counts of all.
-- $1 root  text    of the shard
-- >> done  void
select catalog.complete_bulk($1::text) done;
