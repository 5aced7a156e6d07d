-- Tables that cannot be read yet will be of other rows: what came of the old ones does not count.
-- $1 names      text[]
-- $2 sources    text[]
-- $3 firstrows  bigint[]
with gone as (
    delete from public.loaded_copy where tablename = any($1::text[])
)
update public.data_table d set source = u.s, firstrow = u.f
  from unnest($1::text[], $2::text[], $3::bigint[]) u (n, s, f)
 where d.tablename = u.n and not d.loaded;
