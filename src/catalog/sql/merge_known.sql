-- Does the catalogue know anything of the batch's paths that has to be compared with what comes? Not of a directory whose
-- record is its columns, or in which only others lie: taking it in once more changes what differs.
-- >> known        boolean
-- >> directories  bigint   that have a record
select exists (select from stage_keys join paths on pa_hash = sk_hash)
    or exists (
       select from stage_paths s
         join paths p on p.pa_hash = s.pa_hash
        where p.pa_type is distinct from 'directory'
           or exists (select from records where md_hash = s.pa_hash)) known,
       (select count(*)
          from stage_paths s
          join directories on di_hash = s.pa_hash
         where di_nanos is not null) directories;
