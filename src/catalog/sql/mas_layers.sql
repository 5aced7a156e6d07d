-- The variables of the files right in a directory, each with every form its axes have. Goes from one pair to the next
-- in the index, so it costs by what differs and not by files.
-- $1 hash  uuid
-- >> name  text
-- >> axes  text  JSON; null: none
with recursive pair (name, axes) as (
    (select ds_name, coalesce(ds_axes, 0)
       from datasets
      where ds_parent = $1::uuid and ds_name is not null
      order by ds_name, coalesce(ds_axes, 0)
      limit 1)
    union all
    select n.ds_name, n.axes
      from pair
     cross join lateral (select ds_name, coalesce(ds_axes, 0) axes
                           from datasets
                          where ds_parent = $1::uuid and ds_name is not null
                            and (ds_name, coalesce(ds_axes, 0)) > (pair.name, pair.axes)
                          order by ds_name, coalesce(ds_axes, 0)
                          limit 1) n
)
select na_name as name, ax_json axes
  from pair
  join names on na_id = pair.name
  left join catalog.axes on ax_id = pair.axes
 order by na_name, ax_id;
