-- How many of the batch's paths are new, and how many of its known ones have a record that differs.
-- >> added    bigint
-- >> changed  bigint
select count(*) filter (where p.pa_hash is null) added,
       count(*) filter (where p.pa_hash is not null
                          and exists (select from stage_metadata m
                                       where m.md_hash = s.pa_hash
                                         and not exists (select from stage_same
                                                          where ss_hash = m.md_hash and ss_type = m.md_type))) changed
  from stage_paths s
  left join paths p on p.pa_hash = s.pa_hash
 where exists (select from stage_metadata m where m.md_hash = s.pa_hash);
