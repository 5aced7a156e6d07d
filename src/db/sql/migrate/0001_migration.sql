-- The table of applied migrations.
create schema if not exists strata;

create table strata.migration (
    part    text not null,               -- whose migration: "catalog"
    number  integer not null check (number > 0),
    name    text not null,
    sha256  text not null check (sha256 ~ '^[0-9a-f]{64}$'),
    applied timestamptz not null default now(),
    primary key (part, number)
);
