-- The records of a path, by type.
-- $1 hash    uuid
-- $2 type    text    only this one; null: all
-- $3 after   text    go on behind this type; null: from the start
-- $4 count   bigint  at most; null: all
-- >> type    text         md_type: the crawler
-- >> learned timestamptz  when it was taken in
-- >> json    text
-- >> key     text
select md_type as type, md_ingested at time zone 'UTC' as learned, md_json::text as json, md_type as key
  from metadata
 where md_hash = $1::uuid
   and ($2::text is null or md_type = $2::text)
   and md_type > coalesce($3::text, '')
 order by md_type
 limit $4::bigint;
