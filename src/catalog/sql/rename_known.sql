-- Which renames move something that is known.
-- >> no  integer  from 1
select sm_no no from stage_moved where sm_top;
