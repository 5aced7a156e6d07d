-- Why the statement in staging.strata_check() might not do the same on all copies of a table, from the tree that PostgreSQL made of it:
-- one row a reason.
-- $1 name  text
-- >> why   text
  with body as (
        select prosqlbody::text tree from pg_proc where oid = to_regprocedure('staging.strata_check()')),
       target as (
        select to_regclass(format('public.%I', $1::text))::oid oid),
       source as (  -- with the defaults of columns, which an insert may come to
        select tree, '' as "where" from body
        union all
        select d.adbin::text, format(', in the default of column %I', a.attname)
          from target t join pg_attribute a on a.attrelid = t.oid join pg_attrdef d on d.adrelid = t.oid and d.adnum = a.attnum
          join body on body.tree ~ ':commandType 3' and a.attgenerated = ''),
       called as (
        select distinct f[1]::oid oid, s."where"
          from source s, regexp_matches(s.tree, ':(?:funcid|opfuncid|aggfnoid|winfnoid) (\d+)', 'g') f),
       used as (
        select distinct f[1]::oid oid from body, regexp_matches(tree, ':relid (\d+)', 'g') f)
select why from (
    select 1 place, 'it changes no rows' why from body
     where tree !~ '^[^:]*:commandType [2-5]' and tree !~ ':hasModifyingCTE true'
    union all
    select 2, format('%s may give another result on each server%s', c.oid::regprocedure, c."where")
      from called c join pg_proc p on p.oid = c.oid
     where p.provolatile = 'v' or (p.provolatile = 's' and p.pronargs = 0)
    union all
    select 3, 'it asks for the time, or for who is connected (current_timestamp, current_user, ...)' || "where" from source
     where tree ~ '\{SQLVALUEFUNCTION '
    union all
    select 4, 'a sequence may be elsewhere on each server' || "where" from source where tree ~ '\{NEXTVALUEEXPR '
    union all
    select 4, format('column %I counts by a sequence, which may be elsewhere on each server', a.attname)
      from body join target t on body.tree ~ ':commandType 3' join pg_attribute a on a.attrelid = t.oid and a.attidentity <> ''
    union all
    select 5, 'where a row is (ctid, xmin, ...) is not the same on each server' from body where tree ~ ':varattno -'
    union all
    select 6, format('%s is temporary', c.oid::regclass) from used u join pg_class c on c.oid = u.oid where c.relpersistence = 't'
    union all
    select 7, format('it has to do with %s, and only with its own table it is the same everywhere', u.oid::regclass)
      from used u, target t where u.oid <> 0 and u.oid <> t.oid) w
 order by place, why collate "C";
