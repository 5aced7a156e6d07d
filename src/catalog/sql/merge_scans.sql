-- Note what the crawl found in the batch's directories.
insert into scans
select *
  from stage_scans
 order by sc_dir
    on conflict (sc_dir) do update
   set sc_print = excluded.sc_print, sc_mtime_ns = excluded.sc_mtime_ns, sc_ctime_ns = excluded.sc_ctime_ns,
       sc_options = excluded.sc_options, sc_files = excluded.sc_files, sc_directories = excluded.sc_directories,
       sc_links = excluded.sc_links;
