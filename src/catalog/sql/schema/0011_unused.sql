-- What no program asks for any more: renames are done by differences, coordinate systems are tried by PROJ in the program.
drop function catalog.rename_path(text, text, text);
drop function catalog.recount_above(text[]);
drop function catalog.srid_works(integer);
