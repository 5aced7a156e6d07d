-- Every path with the records that other relations are made from.
-- >> path  text
-- >> type  text   what kind of path, or null
-- >> posix text   the JSON of the record, or null
-- >> gdal  text   likewise
select pa_path as path, pa_type::text as type, p.md_json::text posix, g.md_json::text gdal
  from paths
  left join metadata p on p.md_hash = pa_hash and p.md_type = 'posix'
  left join metadata g on g.md_hash = pa_hash and g.md_type = 'gdal';
