-- Does the table of applied migrations exist?
-- >> there  boolean
select to_regclass('strata.migration') is not null as there;
