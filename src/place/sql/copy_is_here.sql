-- Is there a table of that name, whoever maps it?
-- $1 name  text
-- >> here  boolean
select exists (select from public.loaded_copy where tablename = $1::text) here;
