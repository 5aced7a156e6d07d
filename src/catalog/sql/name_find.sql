-- The number of a variable's name, a new one if need be. No row when another session is just entering it.
-- $1 name  text
-- >> id    integer
  with entered as (
    insert into names (na_name)
    select $1::text
     where not exists (select from names where na_name = $1::text)
        on conflict do nothing
    returning na_id
  )
select na_id id from names where na_name = $1::text
 union all
select na_id from entered
 limit 1;
