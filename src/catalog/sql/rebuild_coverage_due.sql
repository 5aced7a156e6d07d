-- Note every directory with many datasets as one whose coverage is to be made.
insert into coverage_due (cd_dir)
select di_hash
  from directories
 where di_datasets >= catalog.coverage_threshold()
    on conflict do nothing;
