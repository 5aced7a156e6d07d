-- Note that a crawl came to its end, with what it found; older finished ones of the same root and kind go.
-- $1 id      bigint
-- $2 result  jsonb
  with done as (
    update crawls
       set cr_finished = now(), cr_result = $2::jsonb
     where cr_id = $1::bigint
    returning cr_root, cr_kind
  )
delete from crawls c
 using done
 where c.cr_root = done.cr_root
   and c.cr_kind = done.cr_kind
   and c.cr_id < $1::bigint;
