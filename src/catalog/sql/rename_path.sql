-- Move a path, and all below it, to another place with all that is known of them.
-- $1 from   text
-- $2 to     text
-- $3 root   text    of the shard
-- >> moved  bigint
select catalog.rename_path($1::text, $2::text, $3::text) moved;
