-- Until the end of the transaction, plan queries for what they ask, and without processes that take longer to start than
-- a page takes to find.
-- >> plan_cache_mode  text
-- >> workers          text
select set_config('plan_cache_mode', 'force_custom_plan', true) as plan_cache_mode,
       set_config('max_parallel_workers_per_gather', '0', true) as workers;
