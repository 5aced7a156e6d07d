-- The migrations of a part that were applied, oldest first.
-- $1 part  text
-- >> number  integer  from 1
-- >> name    text     the stem of the script's file
-- >> sha256  text     of the script as it was applied, 64 lower-case hex digits
select number, name, sha256
  from strata.migration
 where part = $1::text
 order by number;
