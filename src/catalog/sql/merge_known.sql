-- Does the catalogue have any of the batch's paths, of whatever record?
-- >> known  boolean
select exists (select from stage_paths s where exists (select from paths p where p.pa_hash = s.pa_hash)) known;
