-- Take in the datasets that their records give instead.
insert into datasets
select *
  from stage_datasets
 where po_hash in (select st_hash from stage_turned);
