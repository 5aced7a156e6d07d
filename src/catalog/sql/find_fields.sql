-- Whether conditions on records can be read; fails where one cannot.
-- $1 fields  jsonb  [{"type", "path", "vars"}], path in SQL/JSON
-- >> read    bigint
select count(jsonb_path_exists('{}', (f->>'path')::jsonpath, f->'vars', true)) as read
  from jsonb_array_elements($1::jsonb) f;
