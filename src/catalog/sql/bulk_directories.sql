-- Give every path that is a directory its row.
insert into directories (di_hash, di_parent, di_name)
select pa_hash, pa_parents[array_length(pa_parents, 1)], right(pa_path, position('/' in reverse(pa_path)) - 1)
  from paths
 where pa_type = 'directory'
   and pa_hash not in (select di_hash from directories);
