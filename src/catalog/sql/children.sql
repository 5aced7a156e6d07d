-- The keys of all that is known to be in a directory.
-- $1 dir   uuid
-- >> hash  uuid
select fi_hash hash from files where fi_parent = $1::uuid
 union all
select di_hash from directories where di_parent = $1::uuid
 union all
select li_hash from links where li_parent = $1::uuid
 union all
select pa_hash from paths where pa_parents[array_length(pa_parents, 1)] = $1::uuid and pa_type is null;
