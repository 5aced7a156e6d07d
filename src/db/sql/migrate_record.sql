-- Note that a migration was applied.
-- $1 part    text
-- $2 number  integer
-- $3 name    text
-- $4 sha256  text
insert into strata.migration (part, number, name, sha256)
values ($1::text, $2::integer, $3::text, $4::text);
