-- The system tables that are the same on all servers, in the order in which they are brought to another one, and the statements for it.
-- >> empty  text
-- >> read   text
-- >> fill   text
select format('delete from public.%I', "name") as empty, format('copy public.%I to stdout (format binary)', "name") "read",
       format('copy public.%I from stdin (format binary)', "name") fill
  from unnest(array['data_table', 'data_column', 'table_db_mapping', 'metadata', 'snap_redshift', 'summary', 'treesummary'])
       with ordinality u ("name", place)
 order by place;
