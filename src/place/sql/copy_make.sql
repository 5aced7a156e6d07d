-- An empty table for the rows that come.
-- $1 name   text
-- $2 names  text[]
-- $3 types  text[]
-- >> ok     boolean
select public.make_data_table($1::text, $2::text[], $3::text[]) is null ok;
