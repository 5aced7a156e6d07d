-- Does the shard lack an index that only people in psql ask through? A first load that was cut off leaves it so.
-- >> due  boolean
select exists (select from catalog.shard_index
                where ix_late
                  and not exists (select from pg_class c
                                   where c.relname = ix_name and c.relnamespace = current_schema()::regnamespace)) due;
