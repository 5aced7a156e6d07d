-- Records that were kept as JSON and are now what the columns say.
delete from records
 using (select fi_hash hash from stage_files where fi_nanos is not null
         union all
        select di_hash from stage_directories where di_nanos is not null
         union all
        select li_hash from stage_links where li_nanos is not null) s
 where md_hash = s.hash
   and md_type = 'posix';
