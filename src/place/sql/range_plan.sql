-- Where a table is cut so that its parts have about so many rows each: ranges of an integer column. No row: it has no such column.
-- Where the statistics know how values are spread, the cuts are there; else they are at even distances.
-- $1 name  text
-- $2 key   text    the column; null: the first one of the primary key, or of another unique index
-- $3 most  bigint  rows
-- >> quoted  text    the column as SQL wants it
-- >> cut     bigint  a part ends below it and the next begins; in the first row null
  with relation as (
       select c.oid from pg_class c where c.relname = $1::text and c.relnamespace = 'public'::regnamespace
  ), chosen as (
       select a.attname
         from relation r
         join pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
                            and a.atttypid in ('int2'::regtype, 'int4'::regtype, 'int8'::regtype)
         left join pg_index i on i.indrelid = r.oid and i.indkey[0] = a.attnum
                             and i.indisunique and i.indisvalid and i.indpred is null
        where case when $2::text is null then i.indexrelid is not null else a.attname = $2::text end
        order by i.indisprimary desc nulls last, i.indexrelid
        limit 1
  ), counted as (
       select least(ceil((select d.rowcount from public.data_table d where d.tablename = $1::text)::numeric
                         / greatest($3::bigint, 1)), 10000)::int parts
  ), known as (
       select coalesce((select s.histogram_bounds::text::bigint[]
                          from pg_stats s
                         where s.schemaname = 'public' and s.tablename = $1::text and s.attname = k.attname
                           and array_length(s.histogram_bounds::text::bigint[], 1) > 1),
                       (select array[(xpath('/row/lo/text()', x))[1]::text::bigint,
                                     (xpath('/row/hi/text()', x))[1]::text::bigint]
                          from query_to_xml(format('select min(%1$I) lo, max(%1$I) hi from public.%2$I', k.attname, $1::text),
                                            false, true, '') x)) bounds
         from chosen k
        where (select parts from counted) > 1
  ), placed as (
       select b.bounds, i * (array_length(b.bounds, 1) - 1)::numeric / c.parts place
         from known b, counted c, generate_series(1, c.parts - 1) i
  )
select format('%I', k.attname) quoted, p.cut
  from chosen k,
       (select null::bigint cut
         union
        select (bounds[floor(place)::int + 1]
                + trunc((bounds[floor(place)::int + 2]::numeric - bounds[floor(place)::int + 1]) * (place - floor(place))))::bigint
          from placed
         where bounds[floor(place)::int + 2] is not null) p
 order by p.cut nulls first;
