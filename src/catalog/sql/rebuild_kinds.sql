-- What magic and checksum records say of their files, for all files.
-- >> changed  bigint
select catalog.rebuild_kinds() changed;
