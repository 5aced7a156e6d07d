-- What a change has to know of a server before it begins.
-- >> version  bigint  migrations of its system tables
-- >> servers  text    of the dataset, by name, with commas between; null: nobody has noted them
select (select count(*) from strata.migration where part = 'place') "version",
       (select metavalue from public.metadata where metakey = 'servers')::text servers;
