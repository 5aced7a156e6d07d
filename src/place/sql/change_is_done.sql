-- Has this server committed a change?
-- $1 gid  text
-- >> done  boolean
select exists (select from public.change_log where gid = $1::text) done;
