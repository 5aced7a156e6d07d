-- The statement that prepares the transaction in hand. Prepared transactions of all databases of a server share their names.
-- $1 gid  text
-- >> statement  text
-- >> temporary  text  a temporary table that the transaction has touched: it cannot be prepared then
select format('prepare transaction %L', $1::text || '@' || current_database()) as statement,
       (select c.relname::text
          from pg_locks l join pg_class c on c.oid = l.relation
         where l.pid = pg_backend_pid() and l.locktype = 'relation' and c.relpersistence = 't'
           and l.database = (select d.oid from pg_database d where d.datname = current_database())
         order by c.relname limit 1) as temporary;
