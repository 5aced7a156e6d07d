-- Note a change in the transaction that makes it.
-- $1 gid  text
insert into public.change_log (gid) values ($1::text);
