-- What is said about the dataset.
-- $1 key    text
-- >> value  text
select metavalue::text "value" from public.metadata where metakey = $1::text;
