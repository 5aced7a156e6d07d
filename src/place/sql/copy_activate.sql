-- Let a copy of a table be read, or not; the last active one of a table is refused at the end.
-- $1 which   text
-- $2 server  text
-- $3 active  boolean
-- $4 seen    bigint  how often the table was written to, or it is refused; null: never mind
-- >> ok      boolean
select public.activate_copy($1::text, $2::text, $3::boolean, $4::bigint) is null ok;
