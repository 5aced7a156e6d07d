-- Add what changed to the counts of every directory above it.
update directories
   set di_count = di_count + c, di_size = di_size + s, di_datasets = di_datasets + d
  from (select u.dir, sum(sd_count) c, sum(sd_size) s, sum(sd_datasets) d
          from (select sd_dir, sum(sd_count) sd_count, sum(sd_size) sd_size, sum(sd_datasets) sd_datasets
                  from stage_delta group by sd_dir) k
          join paths on pa_hash = sd_dir
         cross join lateral unnest(pa_parents || pa_hash) u (dir)
         group by u.dir) x
 where di_hash = x.dir
   and (c <> 0 or s <> 0 or d <> 0);
