-- A number that no other loader of the shard has: the upper half of its datasets' numbers.
-- >> block  bigint
select nextval(pg_get_serial_sequence('datasets', 'ds_id')) block;
