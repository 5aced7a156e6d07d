-- The records of a path, by type.
-- $1 hash    uuid
-- $2 type    text    only this one; null: all
-- $3 after   text    go on behind this type; null: from the start
-- $4 uid     bigint  who asks: of a file that he may not read only what the file system tells; null: sees all
-- $5 groups  bigint[]
-- $6 count   bigint  at most; null: all
-- >> type    text         md_type: the crawler
-- >> learned timestamptz  when it was taken in
-- >> json    text
-- >> key     text
select md_type as type, md_ingested at time zone 'UTC' as learned, md_json::text as json, md_type as key
  from metadata
 where md_hash = $1::uuid
   and ($2::text is null or md_type = $2::text)
   and md_type > coalesce($3::text, '')
   and ($4::bigint is null or md_type = 'posix'
        or exists (select from paths
                     left join files on fi_hash = pa_hash
                    where pa_hash = $1::uuid
                      and (pa_type <> 'file' or catalog.may(4, $4::bigint, $5::bigint[], fi_nuid, fi_ngid, fi_nmode))))
 order by md_type
 limit $6::bigint;
