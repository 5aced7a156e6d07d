-- The system tables of a dataset, the same in each of its databases (the seed: tao-multiple-databases.rst).
-- Runs once per database, as its owner.

create table public.metadata (
    metakey   varchar(500) primary key,
    metavalue varchar(5000)
);

create table public.snap_redshift (
    snapnum  int4 primary key,
    redshift float4
);

create table public.summary (
    tablename varchar(100) primary key,
    minx float4, miny float4, minz float4, maxx float4, maxy float4, maxz float4,
    minsnap int4, maxsnap int4,
    galaxycount bigint
);

create table public.treesummary (
    globaltreeid bigint primary key,
    minx float4, miny float4, minz float4, maxx float4, maxy float4, maxz float4,
    galaxycount bigint,
    tablename varchar(200)
);

-- The data tables of the dataset. While one stands here it has an active copy: the last one cannot be taken away.
create table public.data_table (
    tablename varchar(500) primary key,
    source    varchar(5000),                  -- what its rows were imported from, and
    firstrow  bigint,                         -- with which row of that, from 0
    rowcount  bigint not null default 0,
    loaded    boolean not null default false  -- all its rows are in all its copies: it can be read
);

-- Of this database alone: copies whose rows are all here. Noted by the transaction that brought them.
create table public.loaded_copy (
    tablename varchar(500) primary key,
    rowcount  bigint not null
);

-- A table of the dataset as it is before its rows come; what a cut-off import left of it goes.
create function public.make_data_table(which text, names text[], types text[]) returns void language plpgsql as $$
begin
    execute format('drop table if exists public.%I', which);
    execute format('create table public.%I (%s)', which,
                   (select string_agg(format('%I %s', n, t::regtype), ', ' order by place)
                      from unnest(names, types) with ordinality u (n, t, place)));
    delete from public.loaded_copy where tablename = which;
end $$;

create table public.data_column (
    columnname  varchar(500) primary key,
    place       int4 not null,
    unit        varchar(500),
    description varchar(5000)
);

-- Which servers have a copy of a table. The primary one is what others are copied from (the seed's master).
create table public.table_db_mapping (
    tablename varchar(500) not null,
    nodename  varchar(5000) not null,
    isactive  boolean not null default true,
    isprimary boolean not null default false,
    primary key (tablename, nodename)
);
create unique index table_db_mapping_primary on public.table_db_mapping (tablename) where isprimary;

-- How often the mapping was changed, and what it is: the same on all servers, or they disagree.
create table public.mapping_state (
    only_one boolean primary key default true check (only_one),
    epoch    bigint not null,
    checksum uuid not null
);

create function public.mapping_checksum() returns uuid language sql stable as $$
    select md5(coalesce(string_agg(concat_ws(E'\t', tablename, nodename, isactive, isprimary), E'\n'
                                   order by tablename collate "C", nodename collate "C"), ''))::uuid
      from public.table_db_mapping
$$;

insert into public.mapping_state (epoch, checksum) values (0, public.mapping_checksum());

-- The row is locked until the end of the transaction, so two changes that are each allowed cannot meet.
create function public.mapping_changed() returns trigger language plpgsql as $$
begin
    update public.mapping_state set epoch = epoch + 1, checksum = public.mapping_checksum();
    return null;
end $$;

create trigger mapping_changed after insert or update or delete or truncate on public.table_db_mapping
    for each statement execute function public.mapping_changed();

-- At the end of a transaction that touched it, a table of the dataset has an active copy and one primary copy.
create function public.mapping_check(which varchar) returns void language plpgsql as $$
declare
    active bigint;
    "primary" bigint;
begin
    if not exists (select from public.data_table d where d.tablename = which) then
        return;
    end if;
    select count(*) filter (where m.isactive), count(*) filter (where m.isprimary) into active, "primary"
      from public.table_db_mapping m where m.tablename = which;
    if active = 0 then
        raise exception 'table ''%'' would be left without an active copy', which using errcode = 'restrict_violation';
    elsif "primary" = 0 then
        raise exception 'table ''%'' would be left without a primary copy', which using errcode = 'restrict_violation';
    end if;
end $$;

create function public.mapping_touched() returns trigger language plpgsql as $$
begin
    if tg_op <> 'INSERT' then
        perform public.mapping_check(old.tablename);
    end if;
    if tg_op <> 'DELETE' then
        perform public.mapping_check(new.tablename);
    end if;
    return null;
end $$;

create constraint trigger mapping_touched after insert or update or delete on public.table_db_mapping
    deferrable initially deferred for each row execute function public.mapping_touched();
create constraint trigger mapping_touched after insert or update on public.data_table
    deferrable initially deferred for each row execute function public.mapping_touched();

create function public.mapping_emptied() returns trigger language plpgsql as $$
begin
    raise exception 'the mapping cannot be emptied while the dataset has tables' using errcode = 'restrict_violation';
end $$;

create trigger mapping_emptied before truncate on public.table_db_mapping
    for each statement execute function public.mapping_emptied();

-- What a change to all servers has committed: beside a prepared transaction of that name on another server it says that
-- this one is to be committed too.
create table public.change_log (
    gid text primary key,
    at  timestamptz not null default now()
);

-- What a copy of a table is: its rows, its bytes on the disk with indexes, and a hash of its rows that does not hang on their order.
create function public.copy_state(which text, out "rows" bigint, out bytes bigint, out hash text) language plpgsql stable as $$
begin
    execute format('select count(*), pg_total_relation_size(%L::regclass), '
                   'coalesce(sum(hash_record_extended(r.*, 0)::numeric), 0)::text from public.%I r', format('public.%I', which), which) into "rows", bytes, hash;
end $$;
