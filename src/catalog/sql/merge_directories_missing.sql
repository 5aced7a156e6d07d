-- Add to the batch the directories that its paths lie in, that are not among them and that the catalogue does not have.
-- $1 root   text    of the shard
insert into stage_paths (pa_hash, pa_type, pa_path, pa_parents)
  with recursive up (path) as (
    select sa_path
      from stage_above
     where not exists (select from paths where pa_hash = sa_hash)
       and length(sa_path) >= length($1::text)
     union
    select left(path, -position('/' in reverse(path)))
      from up
     where length(path) > length($1::text)
)
select md5(path)::uuid, 'directory', path,
       array(select md5(array_to_string((string_to_array(path, '/'))[1:i], '/'))::uuid
               from generate_series(2, array_length(string_to_array(path, '/'), 1) - 1) i)
  from up
 where path <> ''
   and not exists (select from paths where pa_hash = md5(path)::uuid)
   and not exists (select from stage_paths where pa_hash = md5(path)::uuid);
