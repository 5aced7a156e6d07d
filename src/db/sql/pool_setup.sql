-- Set up a connection for whoever takes it next.
-- $1 shard    text     schema that comes before public in the search path; empty: public alone
-- $2 timeout  integer  milliseconds a statement may take; 0: no limit
-- >> search_path        text
-- >> statement_timeout  text
select set_config('search_path', case when $1::text = '' then 'public' else format('%I, public', $1::text) end, false)
           as search_path,
       set_config('statement_timeout', ($2::integer)::text, false) as statement_timeout;
