-- Note problems; the newest of a path and crawler counts.
-- $1 type      text
-- $2 problems  jsonb  an array of {"path", "text"}
insert into problems (pr_path, pr_type, pr_text)
select distinct on (p->>'path') p->>'path', $1::text, p->>'text'
  from jsonb_array_elements($2::jsonb) with ordinality x (p, n)
 order by p->>'path', n desc
    on conflict (pr_path, pr_type) do update
   set pr_text = excluded.pr_text, pr_at = now();
