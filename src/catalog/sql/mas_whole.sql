-- The datasets of all files below a path, of some names or all.
-- $1 names  integer[]  null: any
-- $2 path   uuid       null: the whole shard
-- $3 most   bigint     files at most; null: all
-- >> ds_srs   integer  number of the coordinate system's text
-- >> ds_json  text     the rest of the answer
select ds_srs, ds_json
  from (select distinct po_hash
          from datasets
         where $3::bigint is not null and ($1::integer[] is null or ds_name = any($1::integer[]))
           and ($2::uuid is null or ds_parent = $2::uuid
                or exists (select from paths where pa_hash = ds_parent and pa_parents @> array[$2::uuid]))
         limit $3::bigint) f
 cross join lateral (select ds_srs, ds_json
                       from datasets
                      where po_hash = f.po_hash and ($1::integer[] is null or ds_name = any($1::integer[]))
                     offset 0) d
 union all
select ds_srs, ds_json
  from datasets
 where $3::bigint is null and ($1::integer[] is null or ds_name = any($1::integer[]))
   and ($2::uuid is null or ds_parent = $2::uuid
        or exists (select from paths where pa_hash = ds_parent and pa_parents @> array[$2::uuid]));
