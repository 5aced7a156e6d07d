-- Where a batch lies before it is merged: the columns of the tables it goes to, gone with the transaction. Every one of these
-- tables costs each commit a millisecond, so those that a batch of new paths does not need are in stage_known.
create temp table if not exists stage_paths (like paths including defaults) on commit delete rows;
create temp table if not exists stage_keys (sk_hash uuid not null) on commit delete rows;
create temp table if not exists stage_directories (like directories including defaults) on commit delete rows;
create temp table if not exists stage_scans (like scans) on commit delete rows;
create temp table if not exists stage_looks (like looks) on commit delete rows;
create temp table if not exists stage_gone (sg_hash uuid not null) on commit delete rows;
create temp table if not exists stage_same (ss_hash uuid not null, ss_type text not null) on commit delete rows;
create temp table if not exists stage_delta (sd_dir uuid, sd_count bigint, sd_size bigint, sd_datasets bigint) on commit delete rows;
create temp table if not exists stage_above (sa_hash uuid not null, sa_path text not null) on commit delete rows;
create temp table if not exists stage_levels (like levels including defaults) on commit delete rows;
-- The planner is told to look up rows one by one, here as in the shard: what a batch costs must not grow with the shard.
create index if not exists stage_directories_key on stage_directories (di_hash);
create index if not exists stage_same_key on stage_same (ss_hash, ss_type);
create index if not exists stage_paths_key on stage_paths (pa_hash);
create index if not exists stage_gone_key on stage_gone (sg_hash);
