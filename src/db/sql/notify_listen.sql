-- The statement that listens to a channel.
-- $1 channel  text
-- >> statement  text
select format('listen %I', $1::text) as statement;
