-- Where renames lie, and the paths that they move.
create temp table if not exists stage_rename (sr_no integer not null, sr_from text not null, sr_to text not null) on commit delete rows;
create temp table if not exists stage_moved (sm_no integer not null, sm_top boolean not null, sm_old uuid not null,
    sm_new uuid not null, sm_above uuid, sm_path text not null, sm_parents uuid[] not null) on commit delete rows;
create index if not exists stage_moved_no on stage_moved (sm_no);
create index if not exists stage_moved_old on stage_moved (sm_old);
