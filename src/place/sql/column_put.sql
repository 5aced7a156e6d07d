-- What columns of the dataset's tables are; what is known already stays where nothing new is said.
-- $1 names         text[]
-- $2 units         text[]
-- $3 descriptions  text[]
insert into public.data_column (columnname, place, unit, description)
select n, i::int4, nullif(u, ''), nullif(d, '') from unnest($1::text[], $2::text[], $3::text[]) with ordinality c (n, u, d, i)
    on conflict (columnname) do update
   set unit = coalesce(excluded.unit, data_column.unit), description = coalesce(excluded.description, data_column.description);
