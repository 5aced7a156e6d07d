-- Forget what was found in directories that are not there: a load that was killed had not told of them yet.
delete from scans where not exists (select from paths where pa_hash = sc_dir);
