-- Say which mapping this is, after its rows were brought from another server or were found to be right.
-- $1 epoch  bigint
update public.mapping_state set epoch = $1::bigint, checksum = public.mapping_checksum();
