-- Note the records that are already here word for word.
insert into stage_same (ss_hash, ss_type)
select s.md_hash, s.md_type
  from stage_metadata s
  join metadata m on m.md_hash = s.md_hash and m.md_type = s.md_type
 where m.md_json = s.md_json;
