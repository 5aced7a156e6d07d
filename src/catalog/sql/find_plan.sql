-- How queries sent from now on are planned: searches for what they ask, everything else once and for all.
-- $1 mode  text  force_custom_plan or auto
-- >> plan_cache_mode  text
select set_config('plan_cache_mode', $1::text, false) as plan_cache_mode;
