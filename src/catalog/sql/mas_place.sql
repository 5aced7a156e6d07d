-- Where a path is, and whether what its directory holds is known without a walk.
-- $1 path  text
-- $2 hash  uuid  of the path
-- >> shard    text
-- >> root     text
-- >> below    bigint   datasets below; null: there is no such directory
-- >> kept     boolean  its coverage is there and still true
-- >> named    boolean  a dataset with a name is right in it
select (select sh_code
          from public.shards
         where $1::text = sh_path or starts_with($1::text, rtrim(sh_path, '/') || '/')
         order by length(sh_path) desc
         limit 1) shard,
       (select sh_path
          from public.shards
         where $1::text = sh_path or starts_with($1::text, rtrim(sh_path, '/') || '/')
         order by length(sh_path) desc
         limit 1) root,
       (select di_datasets from directories where di_hash = $2::uuid) below,
       exists (select from coverage where co_dir = $2::uuid)
       and not exists (select from coverage_due where cd_dir = $2::uuid) kept,
       exists (select from datasets where ds_parent = $2::uuid and ds_name is not null) named;
