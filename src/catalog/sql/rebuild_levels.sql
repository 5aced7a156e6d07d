-- Count all cells by name, length of time and size.
-- >> done  void
select catalog.rebuild_levels() done;
