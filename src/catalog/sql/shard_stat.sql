-- What the shard that is in use holds.
-- $1 name         text
-- >> files        bigint
-- >> directories  bigint
-- >> links        bigint
-- >> datasets     bigint
-- >> bytes        numeric  of the files
-- >> problems     bigint
-- >> disk_bytes   bigint   that the shard takes in the database
-- >> crawled      timestamptz  when the last crawl of the tree ended
select (select count(*) from files) files,
       (select count(*) from directories) directories,
       (select count(*) from links) links,
       (select count(*) from datasets) datasets,
       (select coalesce(sum(fi_size), 0) from files) bytes,
       (select count(*) from problems) problems,
       (select coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint
          from pg_class c where c.relnamespace = to_regnamespace(quote_ident($1::text)) and c.relkind in ('r', 'm')) disk_bytes,
       (select max(cr_finished) from crawls where cr_kind = 'posix') crawled;
