-- Tables of the dataset, which are empty and cannot be read yet.
-- $1 names      text[]
-- $2 sources    text[]    what their rows come from
-- $3 firstrows  bigint[]  with which row of that
insert into public.data_table (tablename, source, firstrow)
select n, s, f from unnest($1::text[], $2::text[], $3::bigint[]) u (n, s, f);
