-- A table of the dataset, loaded or not.
-- $1 name      text
-- >> source    text
-- >> firstrow  bigint
-- >> rows      bigint
-- >> loaded    boolean
select source::text source, firstrow, rowcount "rows", loaded from public.data_table where tablename = $1::text;
