-- Keep a document under a key.
-- $1 query  text
-- $2 value  text  JSON
insert into ows_cache (query_id, value)
values (md5($1::text)::uuid, $2::text::jsonb)
    on conflict (query_id) do update
   set value = excluded.value;
