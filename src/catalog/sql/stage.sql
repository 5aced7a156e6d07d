-- Where a batch lies before it is merged: the columns of the tables it goes to, gone with the transaction.
create temp table if not exists stage_paths (like paths including defaults) on commit delete rows;
create temp table if not exists stage_keys (sk_hash uuid not null) on commit delete rows;
create temp table if not exists stage_records (like records including defaults) on commit delete rows;
create temp table if not exists stage_files (like files including defaults) on commit delete rows;
create temp table if not exists stage_directories (like directories including defaults) on commit delete rows;
create temp table if not exists stage_links (like links including defaults) on commit delete rows;
create temp table if not exists stage_scans (like scans) on commit delete rows;
create temp table if not exists stage_datasets (like datasets) on commit delete rows;
create temp table if not exists stage_cells (like cells) on commit delete rows;
create temp table if not exists stage_looks (like looks) on commit delete rows;
create temp table if not exists stage_gone (sg_hash uuid not null) on commit delete rows;
create temp table if not exists stage_same (ss_hash uuid not null, ss_type text not null) on commit delete rows;
create temp table if not exists stage_delta (sd_dir uuid, sd_count bigint, sd_size bigint, sd_datasets bigint) on commit delete rows;

create temp table if not exists stage_above (sa_hash uuid not null, sa_path text not null) on commit delete rows;
create temp table if not exists stage_rename (sr_no integer not null, sr_from text not null, sr_to text not null) on commit delete rows;
create temp table if not exists stage_moved (sm_no integer not null, sm_top boolean not null, sm_old uuid not null,
    sm_new uuid not null, sm_above uuid, sm_path text not null, sm_parents uuid[] not null) on commit delete rows;
create temp table if not exists stage_levels (like levels including defaults) on commit delete rows;
-- The planner is told to look up rows one by one, here as in the shard: what a batch costs must not grow with the shard.
create index if not exists stage_records_key on stage_records (md_hash, md_type);
create index if not exists stage_files_key on stage_files (fi_hash);
create index if not exists stage_directories_key on stage_directories (di_hash);
create index if not exists stage_links_key on stage_links (li_hash);
create index if not exists stage_same_key on stage_same (ss_hash, ss_type);
create index if not exists stage_paths_key on stage_paths (pa_hash);
create index if not exists stage_datasets_key on stage_datasets (ds_id);
create index if not exists stage_gone_key on stage_gone (sg_hash);
create index if not exists stage_moved_no on stage_moved (sm_no);
create index if not exists stage_moved_old on stage_moved (sm_old);
create temp table if not exists stage_turned (st_hash uuid not null) on commit delete rows;
-- The records that the batch has, those among them that are columns of files, directories and links.
create or replace temp view stage_said as
    select md_hash ss_hash, md_type ss_type from stage_records
     union all
    select fi_hash, 'posix' from stage_files where fi_nanos is not null
     union all
    select di_hash, 'posix' from stage_directories where di_nanos is not null
     union all
    select li_hash, 'posix' from stage_links where li_nanos is not null;
