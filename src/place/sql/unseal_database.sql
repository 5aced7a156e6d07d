-- The statements that let a dataset's database be written again, by its owner, and say so in the server's log.
-- >> statements  text
select format('alter database %I reset default_transaction_read_only; do $$ begin raise log ''strata: the dataset in database %% is unsealed by %%'', current_database(), session_user; end $$',
              current_database()) as statements;
