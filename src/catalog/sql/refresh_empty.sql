-- Empty what is made from paths and records.
truncate files, directories, links, datasets, cells, levels, coverage, coverage_due, coverage_new;
