-- Add what lies below the paths that are gone to them.
insert into stage_gone (sg_hash)
select pa_hash
  from paths
 where pa_parents && array(select sg_hash from stage_gone)
   and pa_hash not in (select sg_hash from stage_gone);
