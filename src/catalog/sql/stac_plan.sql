-- Until the end of the transaction, one process works on a query: shapes are made by a function that catches errors,
-- which PostgreSQL refuses while several do.
-- >> workers  text
select set_config('max_parallel_workers_per_gather', '0', true) as workers;
