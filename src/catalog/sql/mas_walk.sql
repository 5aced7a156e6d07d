-- The datasets below a directory, when these are few.
-- $1 path   uuid
-- $2 names  text[]  as the API compares them; null: all
-- >> ids     bigint[]
-- >> shapes  bigint[]  in the same order
select array_agg(ds_id) ids, array_agg(coalesce(ds_shape, ds_id)) shapes
  from paths
 cross join lateral (select ds_id, ds_shape
                       from datasets
                      where po_hash = pa_hash
                        and ($2::text[] is null or ds_name = any(array(select na_id from names where na_name = any($2::text[]))))
                     offset 0) d
 where pa_parents @> array[$1::uuid];
