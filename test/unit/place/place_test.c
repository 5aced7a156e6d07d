/* SPDX-License-Identifier: Apache-2.0 */
/* A dataset over three databases, which are as good as three servers: nothing looks from one into another. */
#include "place/place.h"

#include <sys/wait.h>

#include "base/buf.h"
#include "base/fault.h"
#include "db/migrate.h"
#include "place/schema.h"
#include "place/tables.h"
#include "place_schema.h"
#include "test/check.h"
#include "test/pg.h"

enum { SERVERS = 3 };
static PlaceServer servers[SERVERS + 1]; /* one more, which cannot be reached */
static const PlaceSpec spec = {"mini", servers, SERVERS};
static const char *const names[SERVERS] = {"n1", "n2", "n3"};

/* Three databases with system tables and nothing in them. */
static void scene(void)
{
    static bool there;
    Err err = {0};

    for (int i = 0; i < SERVERS; i++) {
        if (there)
            pg_sql(names[i],
                   "drop schema public cascade; create schema public; drop schema strata, staging cascade");
        if (!schema_make(pg_dsn("postgres"), names[i], &err))
            pg_fail("cannot set the scene", &err);
        servers[i] = (PlaceServer){names[i], pg_dsn(names[i])};
    }
    servers[SERVERS] = (PlaceServer){"gone", "host=/nowhere dbname=mini"};
    there = true;
}

static Str ask(int server, const char *text)
{
    Err err = {0};
    ARENA_SCOPE(arena);
    RESULT_SCOPE(rows);
    Db *db;

    if (!db_open(&arena, servers[server].dsn, &db, &err))
        pg_fail(text, &err);
    rows = PQexec(db_handle(db), text);
    return PQresultStatus(rows) == PGRES_TUPLES_OK
               ? str_copy(&pg_arena, db_text(rows, 0, 0))
               : str_copy(&pg_arena, str_from_z(PQresultErrorMessage(rows)));
}

static bool add(Place *place, const char *table, const MappingCopy *copies, size_t count, Err *err)
{
    CHANGE_SCOPE(change);

    return change_begin(&change, place, err) &&
           tables_add(&change,
                      &(TableNew){.name = str_from_z(table), .copies = copies, .copies_count = count}, 1,
                      err) &&
           tables_load(&change, &(TableLoaded){str_from_z(table), 0}, 1, err) && change_commit(&change, err);
}

static bool activate(Place *place, const char *table, const char *server, bool active, Err *err)
{
    CHANGE_SCOPE(change);

    return change_begin(&change, place, err) &&
           tables_activate(&change, str_from_z(table), str_from_z(server), active, err) &&
           change_commit(&change, err);
}

static const MappingCopy on_two[] = {{{"n1", 2}, true, true}, {{"n2", 2}, true, false}};
static const MappingCopy on_third[] = {{{"n3", 2}, true, true}};

/* A dataset with two tables, one of them with two copies. */
static Place *two_tables(Arena *arena)
{
    Place *place;
    Err err = {0};

    scene();
    if (!place_open(arena, &spec, &place, &err) || !add(place, "tree_1", on_two, 2, &err) ||
        !add(place, "tree_2", on_third, 1, &err) || !place_refresh(place, &err))
        pg_fail("cannot make two tables", &err);
    return place;
}

static bool all_agree(Place *place, int64_t epoch)
{
    ARENA_SCOPE(arena);
    PlaceReport *reports = place_reports(place, &arena);
    bool agree = true;

    for (int i = 0; i < SERVERS; i++)
        agree = agree && reports[i].there && mapping_same(&reports[0].version, &reports[i].version) &&
                reports[i].version.epoch == epoch &&
                str_eq(reports[i].version.checksum, reports[i].version.real);
    return agree;
}

static void every_table_is_there_once_whatever_its_copies(void)
{
    ARENA_SCOPE(arena);
    Place *place = two_tables(&arena);
    const Mapping *mapping = place_mapping(place);

    CHECK(mapping->count == 2 && str_eq_z(mapping->tables[0].name, "tree_1") &&
          str_eq_z(mapping->tables[1].name, "tree_2"));
    CHECK(mapping->tables[0].count == 2 && mapping->tables[0].copies[0].primary &&
          !mapping->tables[0].copies[1].primary);
    CHECK(mapping_find(mapping, STR("tree_2"))->count == 1 && !mapping_find(mapping, STR("tree_")));
    CHECK(all_agree(place, 2)); /* one statement a table */
}

static void a_table_s_name_is_all_that_is_needed_to_reach_it(void)
{
    ARENA_SCOPE(arena);
    Place *place = two_tables(&arena);
    Db *first = NULL, *second = NULL, *third = NULL, *fourth = NULL;
    Err err = {0};

    CHECK(place_db(place, STR("tree_1"), &first, &err) && place_db(place, STR("tree_1"), &second, &err));
    CHECK(first != second); /* by turns */
    CHECK(place_db(place, STR("tree_2"), &third, &err) && place_db(place, STR("tree_2"), &fourth, &err));
    CHECK(third == fourth && third != first && third != second);
    CHECK(strstr(PQdb(db_handle(third)), "n3"));
    CHECK(!place_db(place, STR("tree_3"), &first, &err) && err.code == ERR_NOT_FOUND);
    CHECK(strstr(err.text, "'tree_3'") && strstr(err.text, "'mini'"));
    err = (Err){0};
    CHECK(activate(place, "tree_1", "n1", false, &err) && place_refresh(place, &err));
    for (int i = 0; i < 4; i++)
        CHECK(place_db(place, STR("tree_1"), &first, &err) && strstr(PQdb(db_handle(first)), "n2"));
}

static void any_server_is_enough(void)
{
    ARENA_SCOPE(arena);
    Err err = {0};
    Place *place;
    Db *db;

    (void)two_tables(&arena);
    servers[0] = servers[SERVERS];
    servers[0].name = "n1";
    CHECK(place_open(&arena, &spec, &place, &err) && place_mapping(place)->count == 2);
    CHECK(place_db(place, STR("tree_1"), &db, &err) && strstr(PQdb(db_handle(db)), "n2"));
    for (int i = 0; i < 4; i++)
        CHECK(place_any(place, &db, &err));
    servers[2] = servers[0];
    servers[2].name = "n3";
    ARENA_SCOPE(later);
    CHECK(place_open(&later, &spec, &place, &err) && !place_db(place, STR("tree_2"), &db, &err));
    CHECK(err.code == ERR_DB && strstr(err.text, "'tree_2'") && strstr(err.text, "'n3'"));
    servers[1] = servers[0];
    servers[1].name = "n2";
    ARENA_SCOPE(never);
    CHECK(!place_open(&never, &spec, &place, &err) && err.code == ERR_DB);
}

static void a_server_without_the_dataset_is_not_believed(void)
{
    ARENA_SCOPE(arena);
    ARENA_SCOPE(later);
    Err err = {0};
    Place *place;

    (void)two_tables(&arena);
    servers[0].dsn = pg_dsn("postgres");
    CHECK(place_open(&arena, &spec, &place, &err) && place_mapping(place)->count == 2);
    PlaceReport *reports = place_reports(place, &arena);
    CHECK(reports[0].reached && !reports[0].there && reports[0].why.code == ERR_NOT_FOUND &&
          reports[1].there);
    servers[1].dsn = servers[2].dsn = servers[0].dsn;
    CHECK(!place_open(&later, &spec, &place, &err) && err.code == ERR_NOT_FOUND);
}

static void servers_that_the_dataset_does_not_list_are_told(void)
{
    static const MappingCopy elsewhere[] = {{{"n9", 2}, true, true}};
    ARENA_SCOPE(arena);
    Place *place = two_tables(&arena);
    Err err = {0};
    Db *db;

    CHECK(add(place, "tree_9", elsewhere, 1, &err) && place_refresh(place, &err));
    CHECK(!place_db(place, STR("tree_9"), &db, &err) && err.code == ERR_DB && strstr(err.text, "'tree_9'") &&
          strstr(err.hint, "[dataset mini]"));
}

static void the_database_keeps_an_active_copy_of_every_table(void)
{
    ARENA_SCOPE(arena);
    Place *place = two_tables(&arena);
    Err err = {0};

    CHECK(!activate(place, "tree_2", "n3", false, &err) && err.code == ERR_CONFLICT &&
          strstr(err.text, "active copy"));
    err = (Err){0};
    CHECK(activate(place, "tree_1", "n1", false, &err));
    CHECK(str_eq_z(ask(2, "select nodename from table_db_mapping where tablename = 'tree_1' and isprimary"),
                   "n2"));
    CHECK(!activate(place, "tree_1", "n2", false, &err) && err.code == ERR_CONFLICT);
    err = (Err){0};
    CHECK(!activate(place, "tree_1", "n3", true, &err) && err.code == ERR_CONFLICT &&
          strstr(err.text, "no copy"));
    CHECK(all_agree(place, 5));
    CHECK(str_eq_z(ask(0, "select count(*) from pg_prepared_xacts"), "0"));
    /* By hand, too. */
    for (int i = 0; i < SERVERS; i++) {
        Str said = ask(i, "delete from table_db_mapping where tablename = 'tree_2'");
        CHECK(strstr(str_to_z(&arena, said), "without an active copy"));
        said = ask(i, "truncate table_db_mapping");
        CHECK(strstr(str_to_z(&arena, said), "cannot be emptied"));
    }
    CHECK(all_agree(place, 5));
}

static void two_who_take_away_a_copy_each_cannot_take_both(void)
{
    ARENA_SCOPE(arena);
    Err err = {0};
    Db *a = NULL, *b = NULL;
    PGresult *last;

    (void)two_tables(&arena);
    CHECK(db_open(&arena, servers[0].dsn, &a, &err) && db_open(&arena, servers[0].dsn, &b, &err));
    CHECK(db_script(a, "begin; update table_db_mapping set isactive = false where nodename = 'n1'", &err));
    CHECK(PQsendQuery(db_handle(b), "update table_db_mapping set isactive = false where nodename = 'n2'"));
    CHECK(db_script(a, "commit", &err));
    while ((last = PQgetResult(db_handle(b)))) {
        CHECK(PQresultStatus(last) == PGRES_FATAL_ERROR && strstr(PQresultErrorMessage(last), "active copy"));
        PQclear(last);
    }
}

static void what_one_server_refuses_is_done_on_none(void)
{
    ARENA_SCOPE(arena);
    Place *place = two_tables(&arena);
    Err err = {0};

    (void)ask(2, "insert into data_table values ('tree_7')");
    (void)ask(2, "begin; insert into table_db_mapping values ('tree_7', 'n3', true, true);"
                 "insert into data_table values ('tree_7'); commit");
    CHECK(!all_agree(place, 2)); /* by hand on one server: seen */
    CHECK(!add(place, "tree_7", on_two, 2, &err) && err.code == ERR_CONFLICT && strstr(err.text, "'tree_7'"));
    CHECK(str_eq_z(ask(0, "select count(*) from data_table"), "2"));
    CHECK(str_eq_z(ask(1, "select count(*) from table_db_mapping where tablename = 'tree_7'"), "0"));
}

static void a_change_that_is_killed_anywhere_is_made_everywhere_or_nowhere(void)
{
    static const struct {
        const char *point;
        int nth;
        bool made;
    } kills[] = {
        {"place_prepared", 1, false}, {"place_prepared", 2, false}, {"place_prepared", 3, false},
        {"place_committed", 1, true}, {"place_committed", 2, true}, {"place_committed", 3, true},
    };

    for (size_t i = 0; i < COUNT_OF(kills); i++) {
        ARENA_SCOPE(arena);
        Err err = {0};
        size_t settled = 0;
        Place *place;
        int status = 0;

        scene();
        (void)fflush(stdout);
        pid_t pid = fork();
        if (pid == 0) {
            ARENA_SCOPE(own);
            Place *mine;

            (void)setenv("STRATA_FAULT", str_printf(&own, "%s:%d:kill", kills[i].point, kills[i].nth).ptr, 1);
            _exit(fault_init(&err) && place_open(&own, &spec, &mine, &err) &&
                          add(mine, "tree_1", on_two, 2, &err)
                      ? 0
                      : 1);
        }
        CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status));
        CHECK(place_open(&arena, &spec, &place, &err) && change_settle(place, &settled, &err));
        CHECK(all_agree(place, kills[i].made ? 1 : 0));
        CHECK(place_refresh(place, &err) && (place_mapping(place)->count == 1) == kills[i].made);
        CHECK(str_eq_z(ask(0, "select count(*) from pg_prepared_xacts"), "0"));
        CHECK(settled == (size_t)(kills[i].made ? SERVERS - kills[i].nth : kills[i].nth));
        CHECK(kills[i].made || add(place, "tree_1", on_two, 2, &err)); /* and it goes on */
    }
}

static void an_unreachable_server_lets_nothing_change(void)
{
    ARENA_SCOPE(arena);
    ARENA_SCOPE(later);
    Place *place = two_tables(&arena);
    Err err = {0};

    servers[2] = servers[SERVERS];
    CHECK(place_open(&later, &spec, &place, &err) && !activate(place, "tree_1", "n1", false, &err));
    CHECK(err.code == ERR_DB && strstr(err.text, "'gone'"));
    CHECK(str_eq_z(
        ask(0, "select isactive from table_db_mapping where tablename = 'tree_1' and nodename = 'n1'"), "t"));
}

static void a_database_that_is_something_else_is_left_alone(void)
{
    Err err = {0};

    pg_sql("postgres", "create database other");
    pg_sql("other", "create table mine (n int)");
    CHECK(!schema_make(pg_dsn("postgres"), "other", &err) && err.code == ERR_CONFLICT &&
          strstr(err.text, "'other'"));
    err = (Err){0};
    CHECK(schema_make(pg_dsn("postgres"), "twice", &err) && schema_make(pg_dsn("postgres"), "twice", &err));
}

/* As a program made it that knew the first migration only. */
static void make_old(const char *database)
{
    ARENA_SCOPE(arena);
    Err err = {0};
    Db *db;

    pg_sql(database, "drop schema public cascade; create schema public; drop schema strata, staging cascade");
    if (!db_open(&arena, pg_dsn(database), &db, &err) ||
        !migrate_run(db, "place", scripts_place, 1, NULL, &err))
        pg_fail("cannot make an old database", &err);
}

static void what_an_older_program_made_is_read_and_brought_up_by_the_first_change(void)
{
    static const char old_rows[] =
        "begin; insert into data_table (tablename, loaded) values ('tree_1', true);"
        "insert into table_db_mapping values ('tree_1', 'n1', true, true), ('tree_1', 'n2', true, false); commit";
    static const char version[] = "select count(*) from strata.migration where part = 'place'";
    ARENA_SCOPE(arena);
    Err err = {0};
    Place *place;
    Db *db;

    scene();
    for (int i = 0; i < SERVERS; i++) {
        make_old(names[i]);
        pg_sql(names[i], old_rows);
    }
    CHECK(place_open(&arena, &spec, &place, &err) && place_db(place, STR("tree_1"), &db, &err));
    CHECK(str_eq_z(ask(0, version), "1"));
    CHECK(activate(place, "tree_1", "n1", false, &err) && activate(place, "tree_1", "n1", true, &err));
    for (int i = 0; i < SERVERS; i++) {
        CHECK(str_eq_z(ask(i, version), str_printf(&arena, "%lld", (long long)schema_version()).ptr));
        CHECK(str_eq_z(ask(i, "select written from data_table"), "0"));
    }
    CHECK(place_reports(place, &arena)[2].version.epoch == place_reports(place, &arena)[0].version.epoch);
}

static void a_change_that_knows_of_other_servers_is_refused(void)
{
    ARENA_SCOPE(arena);
    Place *place = two_tables(&arena);
    Err err = {0};

    for (int i = 0; i < SERVERS; i++)
        (void)ask(i, "insert into metadata values ('servers', 'n1,n2,n3,n4')");
    CHECK(!activate(place, "tree_1", "n2", false, &err) && err.code == ERR_CONFLICT &&
          strstr(err.text, "n1,n2,n3,n4"));
    for (int i = 0; i < SERVERS; i++)
        (void)ask(i, "update metadata set metavalue = 'n3,n1,n2' where metakey = 'servers'");
    err = (Err){0};
    CHECK(activate(place, "tree_1", "n2", false, &err));
}

/* ---- which server is asked, and how servers are ---- */

static int count_on(Place *place, const char *table, const char *database, int times)
{
    Err err = {0};
    int count = 0;
    Db *db;

    for (int i = 0; i < times; i++) {
        CHECK(place_db(place, str_from_z(table), &db, &err));
        count += strcmp(PQdb(db_handle(db)), database) == 0;
    }
    return count;
}

static void the_rules_say_which_copy_is_asked(void)
{
    ARENA_SCOPE(arena);
    Err err = {0};
    PlaceSpec with = spec;
    Place *place;
    Db *db;

    (void)two_tables(&arena);
    with.route = PLACE_BY_WEIGHT;
    servers[1].weight = 3;
    CHECK(place_open(&arena, &with, &place, &err));
    int got = count_on(place, "tree_1", "n2", 40);
    CHECK(got >= 29 && got <= 31); /* one is for the mapping */
    with.route = PLACE_BY_LOCAL;
    servers[1].local = true;
    CHECK(place_open(&arena, &with, &place, &err) && count_on(place, "tree_1", "n2", 10) == 10);
    with.route = PLACE_BY_LEAST;
    servers[1].backup = true;
    CHECK(place_open(&arena, &with, &place, &err) && count_on(place, "tree_1", "n1", 10) == 10);
    servers[0].dsn = servers[SERVERS].dsn; /* gone: the backup it is */
    CHECK(place_open(&arena, &with, &place, &err) && count_on(place, "tree_1", "n2", 10) == 10);
    CHECK(place_health(place, 0) == PLACE_DOWN && place_health(place, 1) == PLACE_GOOD);
    scene();
    (void)two_tables(&arena);
    CHECK(place_open(&arena, &spec, &place, &err) && place_server(place, 0, &db, &err) && db_begin(db, &err));
    CHECK(count_on(place, "tree_1", "n2", 10) == 10); /* n1 is in the middle of something */
}

/* ---- what sessions have ---- */

static bool make_helper(void *count_v, Db *db, Err *err)
{
    ++*(int *)count_v;
    return db_script(db, "create temp table helper as select 42 n; analyze helper", err);
}

typedef struct Asked {
    int calls, lost;
    bool lose;
    Str tables[4];
} Asked;

/* The first connection is lost while it is used. */
static bool ask_helper(void *asked_v, Str table, Db *db, Err *err)
{
    static const Sql helper = {"test_helper", 0, "select n from helper"};
    Asked *asked = asked_v;
    int64_t n = 0;

    asked->tables[asked->calls++ % 4] = table;
    if (asked->lose && asked->lost++ == 0)
        return db_script(db, "select pg_terminate_backend(pg_backend_pid())", err);
    CHECK(db_query_int(db, &helper, DB_NO_ARGS, &n, err) && n == 42);
    return true;
}

static bool refuse(void *ctx, Str table, Db *db, Err *err)
{
    (void)table;
    ++*(int *)ctx;
    return db_script(db, "select nothing from nowhere", err);
}

static void sessions_have_what_they_need_after_a_loss_too(void)
{
    ARENA_SCOPE(arena);
    Place *place = two_tables(&arena);
    Asked once = {.lose = true}, all = {0}, again = {0};
    Err err = {0};
    int made = 0, refused = 0;

    CHECK(place_add_hook(place, make_helper, &made, &err) && made >= 1);
    CHECK(place_with(place, STR("tree_1"), ask_helper, &once, &err));
    CHECK(once.calls == 2 && once.lost == 2); /* the other copy */
    int suspects = 0;
    for (size_t i = 0; i < 2; i++)
        suspects += place_health(place, i) == PLACE_SUSPECT;
    CHECK(suspects == 1);
    CHECK(place_each(place, ask_helper, &all, &err) && all.calls == 2);
    CHECK(str_eq_z(all.tables[0], "tree_1") && str_eq_z(all.tables[1], "tree_2"));
    place_restart(place);
    made = 0;
    CHECK(place_each(place, ask_helper, &again, &err) && made == 2);
    CHECK(!place_with(place, STR("tree_1"), refuse, &refused, &err) && err.code == ERR_NOT_FOUND &&
          refused == 1);
}

static bool name_itself(void *seen_v, const char *server, Db *db, Err *err)
{
    (void)db;
    (void)err;
    buf_printf(seen_v, "%s ", server);
    return true;
}

static void all_servers_are_asked_and_each_answers_for_itself(void)
{
    ARENA_SCOPE(arena);
    ARENA_SCOPE(later);
    BUF_SCOPE(seen);
    Err err = {0}, whys[SERVERS];
    Place *place;

    (void)two_tables(&arena);
    servers[1].dsn = servers[SERVERS].dsn;
    CHECK(place_open(&later, &spec, &place, &err) && !place_all(place, name_itself, &seen, whys));
    CHECK(str_eq_z(buf_str(&seen), "n1 n3 ") && !whys[0].code && whys[1].code == ERR_DB && !whys[2].code);
}

int main(void)
{
    pg_start();
    RUN(every_table_is_there_once_whatever_its_copies);
    RUN(a_table_s_name_is_all_that_is_needed_to_reach_it);
    RUN(any_server_is_enough);
    RUN(a_server_without_the_dataset_is_not_believed);
    RUN(servers_that_the_dataset_does_not_list_are_told);
    RUN(the_database_keeps_an_active_copy_of_every_table);
    RUN(two_who_take_away_a_copy_each_cannot_take_both);
    RUN(what_one_server_refuses_is_done_on_none);
    RUN(a_change_that_is_killed_anywhere_is_made_everywhere_or_nowhere);
    RUN(an_unreachable_server_lets_nothing_change);
    RUN(a_database_that_is_something_else_is_left_alone);
    RUN(what_an_older_program_made_is_read_and_brought_up_by_the_first_change);
    RUN(a_change_that_knows_of_other_servers_is_refused);
    RUN(the_rules_say_which_copy_is_asked);
    RUN(sessions_have_what_they_need_after_a_loss_too);
    RUN(all_servers_are_asked_and_each_answers_for_itself);
    DONE();
}
