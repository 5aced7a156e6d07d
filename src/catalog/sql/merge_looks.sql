-- Note which states of files were looked at.
insert into looks
select *
  from stage_looks
 order by lk_hash
    on conflict (lk_hash, lk_type) do update
   set lk_size = excluded.lk_size, lk_mtime = excluded.lk_mtime, lk_failed = excluded.lk_failed;
