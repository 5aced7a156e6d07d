-- Let a copy of a table be read, or not.
-- $1 name    text
-- $2 server  text
-- $3 active  boolean
update public.table_db_mapping set isactive = $3::boolean where tablename = $1::text and nodename = $2::text;
