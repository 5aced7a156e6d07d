-- Say nothing more under a key.
-- $1 key  text
delete from public.metadata where metakey = $1::text;
