-- The number of a text of axes, a new one if need be. No row when another session is just entering it.
-- $1 json  text
-- >> id    integer
  with entered as (
    insert into catalog.axes (ax_key, ax_json)
    select md5($1::text)::uuid, $1::text
     where not exists (select from catalog.axes where ax_key = md5($1::text)::uuid)
        on conflict do nothing
    returning ax_id
  )
select ax_id id from catalog.axes where ax_key = md5($1::text)::uuid
 union all
select ax_id from entered
 limit 1;
