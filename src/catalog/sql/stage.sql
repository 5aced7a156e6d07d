-- Where a batch lies before it is merged: the columns of the tables it goes to, gone with the transaction.
create temp table if not exists stage_paths (like paths including defaults) on commit delete rows;
create temp table if not exists stage_metadata (like metadata including defaults) on commit delete rows;
create temp table if not exists stage_files (like files) on commit delete rows;
create temp table if not exists stage_directories (like directories including defaults) on commit delete rows;
create temp table if not exists stage_links (like links) on commit delete rows;
create temp table if not exists stage_scans (like scans) on commit delete rows;
create temp table if not exists stage_datasets (like datasets) on commit delete rows;
create temp table if not exists stage_cells (like cells) on commit delete rows;
create temp table if not exists stage_looks (like looks) on commit delete rows;
create temp table if not exists stage_gone (sg_hash uuid not null) on commit delete rows;
create temp table if not exists stage_same (ss_hash uuid not null, ss_type text not null) on commit delete rows;
create temp table if not exists stage_delta (sd_dir uuid, sd_count bigint, sd_size numeric, sd_datasets bigint) on commit delete rows;
