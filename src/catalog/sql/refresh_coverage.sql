-- Forget all coverage; that of large directories is noted as due after this.
  with n as (
    delete from coverage_new
  ), d as (
    delete from coverage_due
  )
delete from coverage;
