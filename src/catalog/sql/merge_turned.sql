-- Count what is in paths that turned into directories: another batch may have brought what is below before.
update directories
   set di_count = c, di_size = s, di_datasets = d
  from stage_turned
 cross join lateral (select count(*) c, coalesce(sum(fi_size), 0) s
                       from paths join files on fi_hash = pa_hash
                      where pa_parents @> array[st_hash]) f
 cross join lateral (select count(*) d
                       from paths join datasets on po_hash = pa_hash
                      where pa_parents @> array[st_hash]) k
 where di_hash = st_hash;
