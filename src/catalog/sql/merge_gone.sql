-- Remove the paths that are gone from everywhere. What was found in one that turned into a directory may have come before it.
  with f as (delete from files using stage_gone where fi_hash = sg_hash),
       d as (delete from directories using stage_gone where di_hash = sg_hash),
       l as (delete from links using stage_gone where li_hash = sg_hash),
       s as (delete from scans using stage_gone
              where sc_dir = sg_hash
                and not exists (select from stage_turned join stage_paths on pa_hash = st_hash
                                 where st_hash = sg_hash and pa_type = 'directory')),
       k as (delete from looks using stage_gone where lk_hash = sg_hash),
       m as (delete from records using stage_gone where md_hash = sg_hash),
       o as (delete from coverage using stage_gone where co_dir = sg_hash),
       u as (delete from coverage_due using stage_gone where cd_dir = sg_hash)
delete from paths using stage_gone where pa_hash = sg_hash;
