-- The statements that make a dataset's database one that is only read, and say in the server's log that it is so. What others than
-- its owner may write is taken away; whoever may read goes on.
-- >> statements  text
select format('alter database %I set default_transaction_read_only = on', current_database())
       || coalesce(string_agg(format('; revoke insert, update, delete, truncate on all tables in schema public from %s', who), ''
                              order by who), '') as statements
  from (select distinct case when a.grantee = 0 then 'public' else quote_ident(pg_get_userbyid(a.grantee)) end who
          from pg_class c, aclexplode(c.relacl) a
         where c.relnamespace = 'public'::regnamespace and a.grantee <> c.relowner
           and a.privilege_type in ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE')) g;
