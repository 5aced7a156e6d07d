-- What a search has to know before it can look: which names, lengths of time and sizes datasets have.
-- >> name   integer
-- >> span   smallint  class of length
-- >> level  smallint  of size
-- >> count  bigint    datasets
select le_name as name, le_time as span, le_space as level, le_count as count
  from levels
 where le_count > 0;
