-- Drop a copy of a table, and the note that it is here.
-- $1 which text
-- >> ok  boolean
select public.drop_copy($1::text) is null ok;
