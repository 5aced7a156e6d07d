-- Which mapping this server has; `real` is what its rows say now.
-- >> epoch     bigint
-- >> checksum  uuid
-- >> real      uuid
select epoch, checksum, public.mapping_checksum() "real" from public.mapping_state;
