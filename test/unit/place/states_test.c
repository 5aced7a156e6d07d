/* SPDX-License-Identifier: Apache-2.0 */
#include "place/states.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/os.h"
#include "place/schema.h"
#include "test/check.h"
#include "test/pg.h"

static PlaceServer servers[] = {{"n1", NULL}, {"n2", NULL}, {"gone", "host=/nowhere dbname=x"}};
static const PlaceSpec spec = {"mini", servers, 3};
static MappingCopy first[] = {{{"gone", 4}, true, false}, {{"n1", 2}, true, true}, {{"n2", 2}, false, false}};
static MappingCopy second[] = {{{"n2", 2}, true, true}, {{"n7", 2}, true, false}};
static MappingTable tables[] = {{{"a", 1}, first, 3}, {{"b", 1}, second, 2}};
static const Mapping mapping = {.tables = tables, .count = 2};

static void scene(void)
{
    Err err = {0};

    for (int i = 0; i < 2; i++) {
        if (!schema_make(pg_dsn("postgres"), servers[i].name, &err))
            pg_fail("cannot make a database", &err);
        servers[i].dsn = pg_dsn(servers[i].name);
    }
    pg_sql(
        "n1",
        "create table a (r int, t text); insert into a select n, 'x' || n from generate_series(1, 1000) n");
    pg_sql(
        "n2",
        "create table a (r int, t text); insert into a select n, 'x' || n from generate_series(1000, 1, -1) n;"
        "create table b (n int)");
}

static void every_copy_is_read_on_its_server(void)
{
    ARENA_SCOPE(arena);
    CopyState *states = NULL;
    size_t count = 0;
    Err err = {0};

    CHECK(states_read(&spec, &mapping, &arena, NULL, NULL, &states, &count, &err) && count == 5);
    if (count != 5)
        return;
    CHECK(states[0].why.code == ERR_DB); /* gone */
    CHECK(states[1].why.code == 0 && states[1].rows == 1000 && states[1].bytes > 0);
    CHECK(states_equal(&states[1], &states[2])); /* in another order */
    CHECK(!states_equal(&states[0], &states[1]) && !states_equal(&states[1], &states[3]));
    CHECK(states[3].rows == 0 && strcmp(states[3].hash, "0") == 0);
    CHECK(states[4].why.code == ERR_CONFIG && strstr(states[4].why.text, "'n7'"));
}

static void one_row_makes_another_hash_and_a_missing_table_spoils_no_other(void)
{
    ARENA_SCOPE(arena);
    CopyState *states = NULL;
    size_t count = 0;
    Err err = {0};

    pg_sql("n2", "update a set t = 'y' where r = 500; drop table b");
    CHECK(states_read(&spec, &mapping, &arena, NULL, NULL, &states, &count, &err) && count == 5);
    if (count != 5)
        return;
    CHECK(states[2].why.code == 0 && !states_equal(&states[1], &states[2]));
    CHECK(states[3].why.code == ERR_NOT_FOUND && strstr(states[3].why.text, "b"));
}

/* A TCP port that takes connections and says nothing, as a frozen server: how often it was called is counted afterwards. */
static void a_server_that_says_nothing_is_called_once(void)
{
    ARENA_SCOPE(arena);
    FD_SCOPE(port);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    MappingCopy copy = {STR("still"), true, true};
    MappingTable still[] = {{STR("a"), &copy, 1}, {STR("b"), &copy, 1}, {STR("c"), &copy, 1}};
    CopyState *states = NULL;
    size_t count = 0;
    int calls = 0;
    Err err = {0};

    port = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    CHECK(bind(port, (struct sockaddr *)&at, len) == 0 && listen(port, 16) == 0 &&
          getsockname(port, (struct sockaddr *)&at, &len) == 0);
    PlaceServer server = {
        "still", str_printf(&arena, "host=127.0.0.1 port=%d connect_timeout=1", ntohs(at.sin_port)).ptr};
    CHECK(states_read(&(PlaceSpec){"mini", &server, 1}, &(Mapping){.tables = still, .count = 3}, &arena, NULL,
                      NULL, &states, &count, &err));
    for (size_t i = 0; i < count; i++)
        CHECK(states[i].why.code == ERR_DB);
    for (int fd; (fd = accept(port, NULL, NULL)) >= 0; calls++)
        (void)close(fd);
    CHECK(count == 3 && calls == 1);
}

static void a_stop_ends_it(void)
{
    ARENA_SCOPE(arena);
    atomic_bool stop = true;
    CopyState *states = NULL;
    size_t count = 0;
    Err err = {0};

    CHECK(!states_read(&spec, &mapping, &arena, &stop, NULL, &states, &count, &err));
    CHECK(err.code == ERR_INTERRUPTED && !states);
}

int main(void)
{
    pg_start();
    scene();
    RUN(every_copy_is_read_on_its_server);
    RUN(one_row_makes_another_hash_and_a_missing_table_spoils_no_other);
    RUN(a_server_that_says_nothing_is_called_once);
    RUN(a_stop_ends_it);
    DONE();
}
