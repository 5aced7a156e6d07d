-- The statements that make a table's indexes, and let the planner know it.
-- $1 name     text
-- $2 primary  text    the column of its primary key; null: none
-- $3 columns  text[]  that get an index
-- >> statements  text
select case when $2::text is null then '' else format('alter table public.%I add primary key (%I); ', $1::text, $2::text) end
       || coalesce((select string_agg(format('create index on public.%I (%I); ', $1::text, c), '' order by place)
                      from unnest($3::text[]) with ordinality u (c, place)), '')
       || format('analyze public.%I', $1::text) as statements;
