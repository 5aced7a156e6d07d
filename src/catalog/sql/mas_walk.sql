-- The datasets below a directory, when these are few.
-- $1 path  uuid
-- >> ids   bigint[]
select array(select ds_id
               from paths
              cross join lateral (select ds_id from datasets where po_hash = pa_hash offset 0) d
              where pa_parents @> array[$1::uuid]) ids;
