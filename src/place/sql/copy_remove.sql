-- A table has one copy less; the last active one is refused at the end.
-- $1 which text
-- $2 server text
-- >> ok  boolean
select public.remove_copy($1::text, $2::text) is null ok;
