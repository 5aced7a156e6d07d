-- The statement that takes rows into a table that was made in the same transaction; nobody else sees it, so its rows can be frozen.
-- $1 name   text
-- $2 names  text[]
-- $3 form   text    csv or binary
-- >> statement  text
select format('copy public.%I (%s) from stdin (format %s, freeze)', $1::text,
              (select string_agg(format('%I', n), ', ' order by place)
                 from unnest($2::text[]) with ordinality u (n, place)), $3::text) as statement;
