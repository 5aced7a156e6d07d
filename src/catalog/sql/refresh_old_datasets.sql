-- Remove the datasets of these files.
  with d as (
    delete from datasets using stage_turned where po_hash = st_hash returning ds_id
  )
delete from cells using d where ce_dataset = ds_id;
