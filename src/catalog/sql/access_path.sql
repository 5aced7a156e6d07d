-- Which of these paths there are, and who may do what with them. Of links nobody is asked for a mode.
-- $1 hashes  uuid[]   the paths' keys, root-most first
-- >> no      integer  position in `hashes`, from 1
-- >> type    text     file, directory or link
-- >> owner   bigint   number of the owner; null when nothing is known
-- >> group   bigint
-- >> mode    integer  the twelve permission bits
select o.no::integer as no, pa_type::text as type, di_nuid as owner, di_ngid as "group", di_nmode as mode
  from unnest($1::uuid[]) with ordinality o (hash, no)
  join paths on pa_hash = o.hash
  left join directories on di_hash = o.hash
 order by o.no;
