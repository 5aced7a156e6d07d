-- How many datasets the shard has, and how many came.
-- >> total  bigint
-- >> came   bigint
select (select coalesce(max(di_datasets), 0) from directories) total, (select count(*) from coverage_new) came;
