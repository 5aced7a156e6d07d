-- Take over a cached answer, unless there is a newer one.
-- $1 id     uuid
-- $2 value  text  JSON
insert into ows_cache (query_id, value)
values ($1::uuid, $2::text::jsonb)
    on conflict do nothing;
