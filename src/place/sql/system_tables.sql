-- The dataset's system tables. Those that are the same on all servers come first, in the order in which they are brought to another server, with
-- the statements for it; each server has the others for itself.
-- >> name   text
-- >> empty  text
-- >> read   text
-- >> fill   text
select "name", case when same then format('delete from public.%I', "name") end as empty,
       case when same then format('copy public.%I to stdout (format binary)', "name") end "read",
       case when same then format('copy public.%I from stdin (format binary)', "name") end fill
  from (values (1, 'data_table', true), (2, 'data_column', true), (3, 'table_db_mapping', true), (4, 'metadata', true), (5, 'snap_redshift', true),
               (6, 'summary', true), (7, 'treesummary', true), (8, 'loaded_copy', false), (9, 'mapping_state', false),
               (10, 'change_log', false)) as t (place, "name", same)
 order by place;
