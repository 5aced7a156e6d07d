-- What lies below a directory and meets conditions. Sent with plans made for its values: a condition that is null goes
-- away, and of those that are left the most selective one with an index leads.
-- $1 types       integer    1 files, 2 directories, 4 links, added up
-- $2 dir         uuid       below this directory; null: all of the shard
-- $3 name_like   text       the name as LIKE takes it
-- $4 name_regex  text       the name as a regular expression
-- $5 size_min    bigint     bytes
-- $6 size_max    bigint
-- $7 mtime_min   timestamptz
-- $8 mtime_max   timestamptz
-- $9 user        text
-- $10 group      text
-- $11 owner      bigint     number of the user
-- $12 owner_group bigint
-- $13 kind       text       as LIKE takes it
-- $14 sha256     bytea
-- $15 fields     jsonb      conditions on records: [{"type", "path", "vars"}], path in SQL/JSON
-- $16 variable   text       a dataset has this name ...
-- $17 stamp_min  timestamptz  ... and a time from here ...
-- $18 stamp_max  timestamptz  ... to here ...
-- $19 west       double precision  ... and touches this box
-- $20 south      double precision
-- $21 east       double precision
-- $22 north      double precision
-- $23 uid        bigint     who asks; null: sees all
-- $24 groups     bigint[]
-- $25 depth      integer    directories above `dir`
-- $26 sort       text       key, path, size or mtime
-- $27 after_number bigint   go on behind this size or time (microseconds since 1970) ...
-- $28 after_hash uuid       ... and this key; null: from the start
-- $29 after_path text       when sorted by path
-- $30 count      bigint     at most; null: all
-- $31 start      uuid       not this one itself
-- $32 fields_lead boolean   the first condition on records is all there is to start from
-- >> path   text
-- >> name   text
-- >> type   text
-- >> size   bigint
-- >> mtime  timestamptz
-- >> mode   text
-- >> uid    bigint
-- >> gid    bigint
-- >> user   text
-- >> group  text
-- >> kind   text
-- >> files  bigint
-- >> target text
-- >> key    text
select pa_path as path, en_name as name, en_type as type, en_size as size, en_mtime as mtime, en_mode as mode, en_nuid as uid,
       en_ngid as gid, en_user as "user", en_group as "group", case when $23::bigint is null or catalog.may(4, $23::bigint, $24::bigint[], en_nuid, en_ngid, en_nmode) then en_kind end as kind,
       en_files as files, en_target as target,
       case $26::text when 'path' then pa_path
                      when 'size' then en_size || ' ' || en_hash
                      when 'mtime' then (extract(epoch from en_mtime) * 1000000)::bigint || ' ' || en_hash
                      else en_hash::text end as key
  from entries
  join paths on pa_hash = en_hash
 where case en_type when 'file' then $1::integer & 1 when 'directory' then $1::integer & 2 else $1::integer & 4 end <> 0
   and ($2::uuid is null or pa_parents @> array[$2::uuid])
   and en_hash <> $31::uuid
   and ($3::text is null or en_name like $3::text)
   and ($4::text is null or en_name ~ $4::text)
   and ($5::bigint is null or en_size >= $5::bigint)
   and ($6::bigint is null or en_size <= $6::bigint)
   and ($7::timestamptz is null or en_mtime >= $7::timestamptz)
   and ($8::timestamptz is null or en_mtime <= $8::timestamptz)
   and ($9::text is null or en_user = $9::text)
   and ($10::text is null or en_group = $10::text)
   and ($11::bigint is null or en_nuid = $11::bigint)
   and ($12::bigint is null or en_ngid = $12::bigint)
   and ($13::text is null or en_kind like $13::text)
   and ($14::bytea is null or en_sha256 = $14::bytea)
   and ($15::jsonb is null or not exists (
        select from jsonb_array_elements($15::jsonb) f
         where not exists (
               select from metadata
                where md_hash = en_hash and md_type = f->>'type'
                  and jsonb_path_exists(md_json, (f->>'path')::jsonpath, f->'vars', true))))
   and (not $32::boolean or en_hash = any(array(
        select md_hash from metadata
         where md_type = ($15::jsonb)->0->>'type'
           and jsonb_path_exists(md_json, (($15::jsonb)->0->>'path')::jsonpath, ($15::jsonb)->0->'vars', true))))
   and (($16::text is null and $17::timestamptz is null and $18::timestamptz is null and $19::double precision is null)
        or en_hash = any(array(
        select po_hash from datasets
         where ($16::text is null or po_name = $16::text)
           and ($17::timestamptz is null or po_max_stamp >= $17::timestamptz)
           and ($18::timestamptz is null or po_min_stamp <= $18::timestamptz)
           and (($17::timestamptz is null and $18::timestamptz is null) or po_stamps is null or exists (
                select from unnest(po_stamps) s
                 where s >= coalesce($17::timestamptz, '-infinity') and s <= coalesce($18::timestamptz, 'infinity')))
           and ($19::double precision is null
                or catalog.boxes_touch(ds_west, ds_south, ds_east, ds_north,
                                       $19::double precision, $20::double precision, $21::double precision, $22::double precision)))))
   and ($23::bigint is null -- what was read out of a file is for those who may read it
        or ($13::text is null and $14::bytea is null and $16::text is null and $17::timestamptz is null
            and $18::timestamptz is null and $19::double precision is null
            and not coalesce(jsonb_path_exists($15::jsonb, '$[*] ? (@.type != "posix")'), false))
        or catalog.may(4, $23::bigint, $24::bigint[], en_nuid, en_ngid, en_nmode))
   and ($23::bigint is null or not exists (
        select from directories
         where di_hash = any(pa_parents[$25::integer + 1:])
           and not catalog.may(5, $23::bigint, $24::bigint[], di_nuid, di_ngid, di_nmode)))
   and case $26::text
            when 'path' then $29::text is null or pa_path > $29::text
            when 'size' then en_size is not null and ($28::uuid is null or en_size <= $27::bigint and (en_size < $27::bigint or en_hash > $28::uuid))
            when 'mtime' then en_mtime is not null
                 and ($28::uuid is null
                      or en_mtime <= timestamptz '1970-01-01 00:00:00+00' + $27::bigint * interval '1 microsecond'
                         and (en_mtime < timestamptz '1970-01-01 00:00:00+00' + $27::bigint * interval '1 microsecond' or en_hash > $28::uuid))
            else $28::uuid is null or en_hash > $28::uuid end
 order by case when $26::text = 'path' then pa_path end, case when $26::text = 'size' then en_size end desc,
       case when $26::text = 'mtime' then en_mtime end desc, en_hash
 limit $30::bigint;
