-- The datasets of all files below a path, of some names or all, behind a row like that of mas_search.
-- $1 path   text
-- $2 hash   uuid     of the path
-- $3 root   boolean  it is the shard's root
-- $4 names  text[]   as the API compares them; null: any
-- $5 most   bigint   files at most; null: all
-- >> ds_srs   integer  number of the coordinate system's text
-- >> ds_json  text     the rest of the answer; in the first row: shard, 0, whole
with wanted as materialized (
    select array(select na_id from names where na_name = any($4::text[])) names
)
select null::integer ds_srs,
       (select sh_code
          from public.shards
         where $1::text = sh_path or starts_with($1::text, rtrim(sh_path, '/') || '/')
         order by length(sh_path) desc
         limit 1) || ' 0 whole' ds_json
 union all
select ds_srs, ds_json
  from (select distinct po_hash
          from datasets
         where $5::bigint is not null and ($4::text[] is null or ds_name = any((select names from wanted)::integer[]))
           and ($3::boolean or ds_parent = $2::uuid
                or exists (select from paths where pa_hash = ds_parent and pa_parents @> array[$2::uuid]))
         limit $5::bigint) f
 cross join lateral (select ds_srs, ds_json
                       from datasets
                      where po_hash = f.po_hash and ($4::text[] is null or ds_name = any((select names from wanted)::integer[]))
                     offset 0) d
 union all
select ds_srs, ds_json
  from datasets
 where $5::bigint is null and ($4::text[] is null or ds_name = any((select names from wanted)::integer[]))
   and ($3::boolean or ds_parent = $2::uuid
        or exists (select from paths where pa_hash = ds_parent and pa_parents @> array[$2::uuid]));
