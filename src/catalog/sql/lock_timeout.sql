-- Give up soon where somebody else holds a lock, until the transaction ends.
-- $1 ms       bigint
-- >> timeout  text
select set_config('lock_timeout', $1::bigint::text, true) timeout;
