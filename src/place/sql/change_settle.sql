-- The statement that ends a prepared transaction.
-- $1 gid     text
-- $2 commit  boolean
-- >> statement  text
select format('%s prepared %L', case when $2::boolean then 'commit' else 'rollback' end,
              $1::text || '@' || current_database()) as statement;
