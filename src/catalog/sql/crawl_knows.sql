-- Is anything known at or below a path, so that something can be gone from there?
-- $1 root   text
-- >> knows  boolean
select exists (
       select from paths
        where $1::text = '/'
           or pa_hash = md5($1::text)::uuid
           or pa_parents @> array[md5($1::text)::uuid]) knows;
