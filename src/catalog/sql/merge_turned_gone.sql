-- Paths that turned into something else are gone as what they were; what is below them may have come before them and stays.
insert into stage_gone (sg_hash)
select st_hash
  from stage_turned
 where st_hash not in (select sg_hash from stage_gone);
