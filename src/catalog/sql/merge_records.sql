-- Take in the batch's records, leaving alone those that are here already.
insert into records (md_hash, md_type, md_json, md_text)
select md_hash, md_type, md_json, md_text
  from stage_records
 where not exists (select from stage_same where ss_hash = md_hash and ss_type = md_type)
 order by md_hash
    on conflict (md_hash, md_type) do update
   set md_json = excluded.md_json, md_text = excluded.md_text, md_ingested = now();
