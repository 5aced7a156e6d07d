-- The statement that prepares the transaction in hand. Prepared transactions of all databases of a server share their names.
-- $1 gid  text
-- >> statement  text
select format('prepare transaction %L', $1::text || '@' || current_database()) as statement;
