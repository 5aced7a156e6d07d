-- Make the counts of all directories from the files.
-- >> changed  bigint
select catalog.rebuild_tallies() changed;
