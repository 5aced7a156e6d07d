-- Others are copied from this copy.
-- $1 which text
-- $2 server text
-- >> ok  boolean
select public.make_primary($1::text, $2::text) is null ok;
