-- How many of the batch's paths nothing was known of (but that others lie in them), and how many have a record that differs.
-- >> added    bigint
-- >> changed  bigint
select count(*) filter (where not old) added,
       count(*) filter (where old and new) changed
  from (select exists (select from metadata where md_hash = s.pa_hash) old,
               exists (select from stage_said m
                        where m.ss_hash = s.pa_hash
                          and not exists (select from stage_same k
                                           where k.ss_hash = m.ss_hash and k.ss_type = m.ss_type)) new,
               exists (select from stage_said m where m.ss_hash = s.pa_hash) said
          from stage_paths s) k
 where said;
