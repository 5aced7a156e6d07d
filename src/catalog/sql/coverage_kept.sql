-- The coverage that some directories have.
-- $1 dirs  uuid[]
-- >> co_dir     uuid
-- >> co_name    integer
-- >> co_stamps  bytea  8 bytes each, network byte order, microseconds since 1970
-- >> co_xmin    double precision
-- >> co_ymin    double precision
-- >> co_xmax    double precision
-- >> co_ymax    double precision
-- >> co_count   bigint
select co_dir, co_name, co_stamps, co_xmin, co_ymin, co_xmax, co_ymax, co_count
  from coverage
 where co_dir = any($1::uuid[]);
