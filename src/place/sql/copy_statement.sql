-- The statement that takes rows of CSV into a table.
-- $1 name   text
-- $2 names  text[]
-- >> statement  text
select format('copy public.%I (%s) from stdin (format csv)', $1::text,
              (select string_agg(format('%I', n), ', ' order by place)
                 from unnest($2::text[]) with ordinality u (n, place))) as statement;
