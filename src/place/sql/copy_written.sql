-- How often a table was written to, and which statements read a copy of it and fill another one aside; no row: there is no such table.
-- $1 name     text
-- >> written  bigint
-- >> read     text
-- >> fill     text
select written, format('copy public.%I to stdout (format binary)', tablename) "read",
       format('copy staging.%I from stdin (format binary, freeze)', tablename) fill
  from public.data_table
 where tablename = $1::text and loaded;
