-- Does the catalogue know anything of the batch's paths, but that others lie in a directory among them?
-- >> known  boolean
select exists (select from stage_keys join paths on pa_hash = sk_hash)
    or exists (
       select from stage_paths s
         join paths p on p.pa_hash = s.pa_hash
        where p.pa_type is distinct from 'directory'
           or exists (select from metadata where md_hash = s.pa_hash)) known;
