-- A table of the dataset, which is empty and cannot be read yet.
-- $1 name      text
-- $2 source    text    what its rows come from
-- $3 firstrow  bigint  with which row of that
insert into public.data_table (tablename, source, firstrow) values ($1::text, $2::text, $3::bigint);
