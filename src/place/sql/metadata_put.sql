-- Say something about the dataset.
-- $1 key    text
-- $2 value  text
insert into public.metadata (metakey, metavalue) values ($1::text, $2::text)
    on conflict (metakey) do update set metavalue = excluded.metavalue;
