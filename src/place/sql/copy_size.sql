-- How many bytes a copy has on the disk, with indexes; null: it is not here.
-- $1 name   text
-- >> bytes  bigint
select pg_total_relation_size(to_regclass(format('public.%I', $1::text))) bytes;
