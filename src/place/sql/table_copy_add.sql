-- A copy of a table.
-- $1 name        text
-- $2 server      text
-- $3 active      boolean
-- $4 is_primary  boolean
insert into public.table_db_mapping (tablename, nodename, isactive, isprimary)
values ($1::text, $2::text, $3::boolean, $4::boolean);
