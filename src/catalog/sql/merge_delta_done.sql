-- These changes are counted now.
delete from stage_delta;
