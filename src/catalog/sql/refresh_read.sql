-- Every path with the records that other relations are made from.
-- >> path  text
-- >> type  text     what kind of path, or null
-- >> posix text     the JSON of the record, or null
-- >> kept  boolean  it is kept as JSON: the columns do not say it whole
-- >> gdal  text     likewise
select pa_path as path, pa_type::text as type, p.md_json::text posix, k.md_hash is not null kept,
       coalesce(g.md_text, g.md_json::text) gdal
  from paths
  left join metadata p on p.md_hash = pa_hash and p.md_type = 'posix'
  left join records k on k.md_hash = pa_hash and k.md_type = 'posix'
  left join records g on g.md_hash = pa_hash and g.md_type = 'gdal';
