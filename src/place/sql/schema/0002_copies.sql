-- What keeping copies right needs: writes are counted, copies come and go with the primary one moving on, and a copy is made aside.

-- A copy that is on its way; nothing stays here when its transaction is over.
create schema staging;

-- How often a statement changed its rows, on all copies alike: who copied them meanwhile does it again.
alter table public.data_table add written bigint not null default 0;

-- What a table is: its rows, its bytes on the disk with indexes, and a hash of its rows that does not hang on their order.
create function public.table_state(which regclass, out "rows" bigint, out bytes bigint, out hash text) language plpgsql stable as $$
begin
    execute format('select count(*), pg_total_relation_size(%s::oid), '
                   'coalesce(sum(hash_record_extended(r.*, 0)::numeric), 0)::text from %s r', which::oid, which) into "rows", bytes, hash;
end $$;

create or replace function public.copy_state(which text, out "rows" bigint, out bytes bigint, out hash text) language sql stable as $$
    select s."rows", s.bytes, s.hash from public.table_state(format('public.%I', which)::regclass) s
$$;

-- The table that was made aside takes the place of the copy that is here, if there is one.
create function public.take_staged(which text, "rows" bigint) returns void language plpgsql as $$
begin
    execute format('drop table if exists public.%I', which);
    execute format('alter table staging.%I set schema public', which);
    insert into public.loaded_copy (tablename, rowcount) values (which, "rows")
        on conflict (tablename) do update set rowcount = excluded.rowcount;
end $$;

create function public.drop_copy(which text) returns void language plpgsql as $$
begin
    execute format('drop table if exists public.%I', which);
    delete from public.loaded_copy where tablename = which;
end $$;

-- ---- steps of a change: the same on all servers ----

-- Has nothing been written to a table since somebody saw how often that was done? NULL: never mind.
create function public.check_written(which text, seen bigint) returns void language plpgsql as $$
declare
    found_written bigint;
begin
    select d.written into found_written from public.data_table d where d.tablename = which and d.loaded for update;
    if not found then
        raise exception 'the dataset has no table ''%''', which using errcode = 'undefined_table';
    elsif found_written <> seen then
        raise exception 'table ''%'' was written to meanwhile', which using errcode = 'serialization_failure';
    end if;
end $$;

create function public.check_copy(which text, server text) returns void language plpgsql as $$
begin
    if not exists (select from public.table_db_mapping m where m.tablename = which and m.nodename = server) then
        raise exception 'table ''%'' has no copy on server ''%''', which, server using errcode = 'restrict_violation';
    end if;
end $$;

create function public.add_copy(which text, server text, seen bigint) returns void language plpgsql as $$
begin
    perform public.check_written(which, seen);
    if exists (select from public.table_db_mapping m where m.tablename = which and m.nodename = server) then
        raise exception 'table ''%'' has a copy on server ''%'' already', which, server using errcode = 'restrict_violation';
    end if;
    insert into public.table_db_mapping (tablename, nodename) values (which, server);
end $$;

create function public.make_primary(which text, server text) returns void language plpgsql as $$
begin
    if not exists (select from public.table_db_mapping m where m.tablename = which and m.nodename = server and m.isactive) then
        raise exception 'table ''%'' has no active copy on server ''%''', which, server using errcode = 'restrict_violation';
    end if;
    if not exists (select from public.table_db_mapping m where m.tablename = which and m.nodename = server and m.isprimary) then
        update public.table_db_mapping m set isprimary = false where m.tablename = which and m.isprimary;
        update public.table_db_mapping m set isprimary = true where m.tablename = which and m.nodename = server;
    end if;
end $$;

-- Others are not copied from a copy that is not read: where it was the primary one, the first active one of the others is now.
create function public.pass_primary(which text, server text) returns void language plpgsql as $$
declare
    heir text;
begin
    if exists (select from public.table_db_mapping m where m.tablename = which and m.nodename = server and m.isprimary) then
        select m.nodename into heir from public.table_db_mapping m
         where m.tablename = which and m.nodename <> server and m.isactive
         order by m.nodename collate "C" limit 1;
        if found then
            perform public.make_primary(which, heir);
        end if;
    end if;
end $$;

create function public.activate_copy(which text, server text, active boolean, seen bigint) returns void language plpgsql as $$
begin
    perform public.check_written(which, seen);
    perform public.check_copy(which, server);
    if not active then
        perform public.pass_primary(which, server);
    end if;
    update public.table_db_mapping m set isactive = active
     where m.tablename = which and m.nodename = server and m.isactive <> active;
end $$;

create function public.remove_copy(which text, server text) returns void language plpgsql as $$
begin
    perform public.check_copy(which, server);
    perform public.pass_primary(which, server);
    delete from public.table_db_mapping m where m.tablename = which and m.nodename = server;
end $$;

-- A table that counts its writes.
create function public.note_write(which text) returns void language sql as $$
    update public.data_table set written = written + 1 where tablename = which
$$;
