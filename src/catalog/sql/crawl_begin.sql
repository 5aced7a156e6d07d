-- Note that a crawl begins.
-- $1 root     text
-- $2 kind     text
-- $3 options  jsonb
-- >> id       bigint
insert into crawls (cr_root, cr_kind, cr_options)
values ($1::text, $2::text, $3::jsonb)
returning cr_id id;
