-- A table of the dataset, which is empty.
-- $1 name  text
insert into public.data_table (tablename) values ($1::text);
