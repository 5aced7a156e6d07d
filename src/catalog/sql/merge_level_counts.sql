-- Add what a batch of new paths has of cells to the counts by name, length of time and size.
insert into levels (le_name, le_time, le_space, le_count)
select le_name, le_time, le_space, sum(le_count)
  from stage_levels
 group by 1, 2, 3
 order by 1, 2, 3
    on conflict (le_name, le_time, le_space) do update
   set le_count = levels.le_count + excluded.le_count;
