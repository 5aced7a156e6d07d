-- Where those rows of a batch lie that are compared with what the shard has.
create temp table if not exists stage_records (like records including defaults) on commit delete rows;
create temp table if not exists stage_files (like files including defaults) on commit delete rows;
create temp table if not exists stage_links (like links including defaults) on commit delete rows;
create temp table if not exists stage_datasets (like datasets) on commit delete rows;
create temp table if not exists stage_cells (like cells) on commit delete rows;
create temp table if not exists stage_turned (st_hash uuid not null) on commit delete rows;
-- The planner is told to look up rows one by one, here as in the shard: what a batch costs must not grow with the shard.
create index if not exists stage_records_key on stage_records (md_hash, md_type);
create index if not exists stage_files_key on stage_files (fi_hash);
create index if not exists stage_links_key on stage_links (li_hash);
create index if not exists stage_datasets_key on stage_datasets (ds_id);
-- The records that the batch has, those among them that are columns of files, directories and links.
create or replace temp view stage_said as
    select md_hash ss_hash, md_type ss_type from stage_records
     union all
    select fi_hash, 'posix' from stage_files where fi_nanos is not null
     union all
    select di_hash, 'posix' from stage_directories where di_nanos is not null
     union all
    select li_hash, 'posix' from stage_links where li_nanos is not null;
