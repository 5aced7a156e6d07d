-- Make a shard's relations the ones that unqualified names mean.
-- $1 shard        text
-- >> search_path  text
select set_config('search_path', format('%I, public', $1::text), false) search_path;
