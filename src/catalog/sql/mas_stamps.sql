-- The times of the datasets below a directory, as lists; what is kept is taken from there.
-- $1 dir     uuid
-- $2 names   text[]       as the API compares them; null: all
-- $3 kept    boolean      the directory's coverage is there and true
-- $4 root    boolean      it is the shard's
-- $5 since   timestamptz  lists must start within, as the original has it; null: they need not
-- $6 until   timestamptz
-- >> packed  bytea          8 bytes each, network byte order, microseconds since 1970
-- >> stamps  timestamptz[]  where there is no packed form
with wanted as materialized (
    select case when $2::text[] is not null then coalesce(array_agg(na_id), '{}') end ids
      from names
     where na_name = any($2::text[])
)
select co_stamps packed, null::timestamptz[] stamps
  from coverage, wanted
 where $3::boolean and co_dir = $1::uuid and (ids is null or co_name = any(ids))
union all
select null, po_stamps
  from wanted, coverage_new
  join datasets on ds_id = cn_dataset
 where $3::boolean and (ids is null or ds_name = any(ids)) and po_stamps is not null
   and ($4::boolean or ds_parent = $1::uuid
        or exists (select from paths where pa_hash = ds_parent and pa_parents @> array[$1::uuid]))
union all
select distinct null::bytea, po_stamps
  from wanted, datasets
 where not $3::boolean and $4::boolean and (ids is null or ds_name = any(ids)) and po_stamps is not null
   and ($5::timestamptz is null or (po_stamps[1] >= $5::timestamptz and po_stamps[1] < $6::timestamptz))
union all
select distinct null::bytea, po_stamps
  from wanted, paths
  join datasets on po_hash = pa_hash
 where not $3::boolean and not $4::boolean and pa_parents @> array[$1::uuid]
   and (ids is null or ds_name = any(ids)) and po_stamps is not null
   and ($5::timestamptz is null or (po_stamps[1] >= $5::timestamptz and po_stamps[1] < $6::timestamptz));
