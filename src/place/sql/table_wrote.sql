-- A statement has changed rows of a table.
-- $1 which text
-- >> ok  boolean
select public.note_write($1::text) is null ok;
