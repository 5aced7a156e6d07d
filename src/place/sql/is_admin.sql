-- May this role change what the database is: its owner, or a superuser?
-- >> role   text
-- >> admin  boolean
select session_user::text "role", pg_has_role(session_user, datdba, 'member') "admin" from pg_database where datname = current_database();
