-- The document under a key.
-- $1 query  text
-- >> value  text  JSON
select value::text as value
  from ows_cache
 where query_id = md5($1::text)::uuid;
