/* SPDX-License-Identifier: Apache-2.0 */
#include "base/conf.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/conf_value.h"
#include "base/os.h"
#include "test/check.h"

typedef struct Service {
#define X CONF_FIELD
#include "test/unit/base/conf_rows.def"
#undef X
} Service;

static const ConfKey service_keys[] = {
#define X(...) CONF_ROW(Service, __VA_ARGS__)
#include "test/unit/base/conf_rows.def"
#undef X
};
static const ConfSection service = CONF_SECTION("service", NULL, "the service", Service, service_keys);

typedef struct Server {
    Str dsn;
} Server;

static const ConfKey server_keys[] = {CONF_ROW(Server, dsn, TEXT, "embedded", "", "", false, "where it is")};
static const ConfSection server =
    CONF_SECTION("server", "SERVER", "a PostgreSQL server", Server, server_keys);

static const ConfSection *const sections[] = {&service, &server};
static const ConfSet set = {sections, COUNT_OF(sections)};

static const Service *read_service(const char *text, Arena *arena, Conf **out)
{
    *out = conf_parse(&set, str_from_z(text), "t.ini", arena);
    return conf_get(*out, &service, (Str){0});
}

static void an_empty_file_gives_every_default(void)
{
    ARENA_SCOPE(arena);
    Conf *conf;
    const Service *s = read_service("", &arena, &conf);
    ConfProblem problem;
    size_t at = 0;

    CHECK(!conf_next_problem(conf, &at, &problem));
    CHECK(str_eq(s->listen, STR("127.0.0.1:0")) && s->threads == 4 && s->limit == 65536);
    CHECK(s->timeout == SECONDS(30) && s->compat == 0 && s->gzip && str_eq(s->home, STR("run")));
    CHECK(conf_get(conf, &server, STR("local")) == NULL);
}

static void values_are_read_with_their_types(void)
{
    ARENA_SCOPE(arena);
    Conf *conf;
    const Service *s = read_service(
        "\xef\xbb\xbf# a comment\n[service]\nlisten = [::1]:80 ; and another\nthreads=8\r\nlimit: 1M\n"
        "timeout = 1.5s\ncompat = auto\ngzip = no\nbanner = one\n  two\n\tthree\nhome =\n",
        &arena, &conf);
    ConfProblem problem = {0};
    size_t at = 0;

    CHECK(!conf_next_problem(conf, &at, &problem));
    if (problem.text.len)
        printf("# %.*s\n", STR_ARG(problem.text));
    CHECK(str_eq(s->listen, STR("[::1]:80")) && s->threads == 8 && s->limit == 1 << 20);
    CHECK(s->timeout == MILLISECONDS(1500) && s->compat == 2 && !s->gzip);
    CHECK(str_eq(s->banner, STR("one two three")) && s->home.len == 0);
}

static const struct {
    const char *text, *says, *hint;
} wrong[] = {
    {"[service]\nlisen = x:1\n", "t.ini:2: there is no key 'lisen' in [service]", "did you mean 'listen'?"},
    {"[servce]\nx = 1\n", "t.ini:1: there is no section [servce]", "did you mean [service]?"},
    {"[nothing-like-it]\n", "t.ini:1: there is no section [nothing-like-it]", ""},
    {"x = 1\n", "t.ini:1: 'x' stands before any [section]", ""},
    {"[service]\nthreads = 65\n", "t.ini:2: threads = '65' is not a whole number from 1 to 64", ""},
    {"[service]\nthreads = 0\n", "t.ini:2: threads = '0' is not a whole number from 1 to 64", ""},
    {"[service]\nthreads = -1\n", "t.ini:2: threads = '-1' is not a whole number from 1 to 64", ""},
    {"[service]\nthreads = 4 5\n", "t.ini:2: threads = '4 5' is not a whole number from 1 to 64", ""},
    {"[service]\nlimit = 2G\n", "t.ini:2: limit = '2G' is not a size such as 64K or 1.5GiB from 1K to 1G",
     ""},
    {"[service]\ntimeout = 30\n",
     "t.ini:2: timeout = '30' is not a duration such as 500ms, 90s or 2h from 1s to 1h", ""},
    {"[service]\ncompat = maybe\n", "t.ini:2: compat = 'maybe' is not one of no, yes, auto", ""},
    {"[service]\ngzip = true\n", "t.ini:2: gzip = 'true' is not yes or no", ""},
    {"[service]\nlisten = 80\n", "t.ini:2: listen = '80' is not an address: HOST:PORT or [IPV6]:PORT", ""},
    {"[service]\nlisten = ::1:80\n", "t.ini:2: listen = '::1:80' is not an address: HOST:PORT or [IPV6]:PORT",
     ""},
    {"[service]\nlisten = h:65536\n",
     "t.ini:2: listen = 'h:65536' is not an address: HOST:PORT or [IPV6]:PORT", ""},
    {"[service]\nlisten = unix:/run/x\n",
     "t.ini:2: listen = 'unix:/run/x' is not an address: HOST:PORT or [IPV6]:PORT", ""},
    {"[service]\nthreads = 1\nthreads = 2\n", "t.ini:3: 'threads' is set already in line 2", ""},
    {"[service]\nthreads\n", "t.ini:2: this is neither [section], key = value, nor a comment", ""},
    {"[service\n", "t.ini:1: a section ends with ']'", ""},
    {"[service x]\n", "t.ini:1: [service] takes no name", ""},
    {"[server]\n", "t.ini:1: [server] needs a name: [server SERVER]", ""},
    {"[server a/b]\n", "t.ini:1: 'a/b' is not a name: letters, digits, '_', '-' and '.', at most 40", ""},
    {"  threads = 1\n", "t.ini:1: a line that starts with a blank goes on with a value: there is none", ""},
};

static void what_is_wrong_is_named_with_its_line_and_what_is_near(void)
{
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        ARENA_SCOPE(arena);
        Conf *conf;
        ConfProblem problem = {0};
        size_t at = 0;

        (void)read_service(wrong[i].text, &arena, &conf);
        CHECK(conf_next_problem(conf, &at, &problem));
        CHECK(str_eq_z(problem.text, wrong[i].says));
        CHECK(str_eq_z(problem.hint, wrong[i].hint));
        CHECK(!conf_next_problem(conf, &at, &problem));
        if (!str_eq_z(problem.text, wrong[i].says))
            printf("# said: %.*s\n", STR_ARG(problem.text));
    }
}

static void long_lines_and_files_are_refused_and_values_go_on(void)
{
    ARENA_SCOPE(arena);
    BUF_SCOPE(text);
    Conf *conf;
    ConfProblem problem;
    size_t at = 0;

    buf_printf(&text, "[server a]\ndsn = %0190d\n %0190d\n", 1, 2);
    conf = conf_parse(&set, buf_str(&text), "t.ini", &arena);
    CHECK(!conf_next_problem(conf, &at, &problem));
    CHECK(((const Server *)conf_get(conf, &server, STR("a")))->dsn.len == 381);

    buf_reset(&text);
    buf_printf(&text, "[server a]\ndsn = %0191d\n", 1);
    conf = conf_parse(&set, buf_str(&text), "t.ini", &arena);
    CHECK(conf_next_problem(conf, &at, &problem) &&
          str_eq(problem.text, STR("t.ini:2: the line is longer than 196 bytes")));

    buf_reset(&text);
    buf_put_z(&text, "[server a]\ndsn = x\n");
    for (int i = 0; i < 30; i++)
        buf_printf(&text, " %0190d\n", i);
    at = 0;
    conf = conf_parse(&set, buf_str(&text), "t.ini", &arena);
    CHECK(conf_next_problem(conf, &at, &problem) && str_ends(problem.text, STR("is not at most 4096 bytes")));

    at = 0;
    conf = conf_parse(&set, (Str){"[service]\n\0", 11}, "t.ini", &arena);
    CHECK(conf_next_problem(conf, &at, &problem) && str_ends(problem.text, STR("it is not text")));
}

static void sections_with_a_name_are_walked_in_order(void)
{
    ARENA_SCOPE(arena);
    Conf *conf =
        conf_parse(&set, STR("[server b]\n[server a]\ndsn = host=x port=1\n[server b]\n"), "t.ini", &arena);
    const void *values;
    Str name;
    size_t at = 0;

    CHECK(conf_next(conf, &server, &at, &name, &values) && str_eq(name, STR("b")));
    CHECK(str_eq(((const Server *)values)->dsn, STR("embedded")));
    CHECK(conf_next(conf, &server, &at, &name, &values) && str_eq(name, STR("a")));
    CHECK(str_eq(((const Server *)values)->dsn, STR("host=x port=1")));
    CHECK(!conf_next(conf, &server, &at, &name, &values));
}

static void the_environment_comes_before_the_file(void)
{
    ARENA_SCOPE(arena);
    ConfProblem problem;
    Conf *conf;
    size_t at = 0;

    (void)setenv("STRATA_SERVICE_THREADS", "9", 1);
    (void)setenv("STRATA_SERVER_A_B_DSN", "host=y", 1);
    const Service *s = read_service("[service]\nthreads = 2\n[server a-b]\n", &arena, &conf);

    CHECK(s->threads == 9);
    CHECK(str_eq(((const Server *)conf_get(conf, &server, STR("a-b")))->dsn, STR("host=y")));
    (void)setenv("STRATA_SERVICE_THREADS", "none", 1);
    (void)read_service("", &arena, &conf);
    CHECK(conf_next_problem(conf, &at, &problem));
    CHECK(str_eq(problem.text, STR("STRATA_SERVICE_THREADS='none' is not a whole number from 1 to 64")));
    (void)unsetenv("STRATA_SERVICE_THREADS");
    (void)unsetenv("STRATA_SERVER_A_B_DSN");
}

static void items_know_where_they_are_from(void)
{
    ARENA_SCOPE(arena);
    Conf *conf = conf_parse(&set, STR("[service]\n\nthreads = 2\n"), "t.ini", &arena);
    ConfItem item;
    size_t at = 0, from_file = 0;

    while (conf_next_item(conf, &at, &item))
        if (item.origin == CONF_FILE) {
            from_file++;
            CHECK(item.line == 3 && str_eq(item.value, STR("2")) && strcmp(item.key->name, "threads") == 0);
        }
    CHECK(at == COUNT_OF(service_keys) && from_file == 1);
}

static void a_reload_tells_what_changed_and_what_needs_a_restart(void)
{
    ARENA_SCOPE(arena);
    Conf *before = conf_parse(&set, STR("[service]\nthreads = 2\n[server old]\n"), "t.ini", &arena);
    Conf *after = conf_parse(&set, STR("[service]\nthreads = 3\nhome = /x\n[server new]\n"), "t.ini", &arena);
    ConfChange change;
    size_t at = 0;

    CHECK(conf_next_change(before, after, &at, &change) && strcmp(change.key->name, "threads") == 0);
    CHECK(!change.needs_restart && str_eq(change.before, STR("2")) && str_eq(change.after, STR("3")));
    CHECK(conf_next_change(before, after, &at, &change) && strcmp(change.key->name, "home") == 0);
    CHECK(change.needs_restart);
    CHECK(conf_next_change(before, after, &at, &change) && !change.key && str_eq(change.after, STR("new")));
    CHECK(conf_next_change(before, after, &at, &change) && !change.key && str_eq(change.before, STR("old")));
    CHECK(!conf_next_change(before, after, &at, &change));
    at = 0;
    CHECK(!conf_next_change(after, after, &at, &change));
}

static void keys_are_found_by_name_and_by_a_near_one(void)
{
    ARENA_SCOPE(arena);
    const ConfSection *section;
    const ConfKey *key;
    size_t at = 0;

    CHECK(conf_next_named(&set, STR("service.limit"), &at, &section, &key) && key->type == CONF_BYTES);
    CHECK(!conf_next_named(&set, STR("service.limit"), &at, &section, &key));
    at = 0;
    CHECK(conf_next_named(&set, STR("dsn"), &at, &section, &key) && section == &server);
    CHECK(str_eq(conf_nearest_key(&set, STR("server.dns"), &arena), STR("server.dsn")));
    CHECK(str_eq(conf_nearest_key(&set, STR("thread"), &arena), STR("service.threads")));
    CHECK(conf_nearest_key(&set, STR("wholly-different"), &arena).len == 0);
}

/* A sample with every '#' before a key taken away is the defaults again. */
static void the_sample_reads_back_as_the_defaults(void)
{
    ARENA_SCOPE(arena);
    BUF_SCOPE(sample);
    BUF_SCOPE(live);
    ConfProblem problem;
    ConfItem item;
    size_t at = 0;

    conf_put_sample(&set, &sample);
    CHECK(!conf_next_problem(conf_parse(&set, buf_str(&sample), "t.ini", &arena), &at, &problem));
    for (Str rest = buf_str(&sample), line; rest.len;) {
        rest = str_cut(rest, '\n', &line);
        bool off = str_starts(line, STR("#")) && !str_starts(line, STR("# "));

        buf_put(&live, str_sub(line, off, line.len));
        buf_put_byte(&live, '\n');
    }
    Conf *conf = conf_parse(&set, buf_str(&live), "t.ini", &arena);

    at = 0;
    CHECK(!conf_next_problem(conf, &at, &problem));
    for (at = 0; conf_next_item(conf, &at, &item);)
        CHECK(item.origin == CONF_FILE && str_eq_z(item.value, item.key->preset));
}

static void a_file_that_is_missing_is_all_defaults_and_a_wrong_one_an_error(void)
{
    char dir[] = "/tmp/strata-conf-test-XXXXXX";
    ARENA_SCOPE(arena);
    Err err = {0};
    Conf *conf = NULL;

    CHECK(mkdtemp(dir) != NULL);
    const char *path = str_printf(&arena, "%s/strata.ini", dir).ptr;

    CHECK(conf_load(&set, path, &arena, &conf, &err) && conf);
    CHECK(os_write_file(path, STR("[service]\ngzip = 1\n"), 0600, &err));
    CHECK(!conf_load(&set, path, &arena, &conf, &err) && err.code == ERR_CONFIG &&
          strstr(err.text, "strata.ini:2: "));
    CHECK(!conf_load(&set, dir, &arena, &conf, &err) && err.code == ERR_IO);
    CHECK(os_remove_tree(dir, &err));
}

static void other_sections_are_passed_over_where_that_is_wanted(void)
{
    static const ConfSection *const one[] = {&service};
    static const ConfSet part = {one, COUNT_OF(one), .part = true};
    ARENA_SCOPE(arena);
    ConfProblem problem;
    size_t at = 0;

    Conf *conf =
        conf_parse(&part,
                   STR("[other]\nkey = 1\n  goes on\nthis is nothing\n[service]\nthreads = 8\n[server x]\n"
                       "dsn = y\n[service]\nlimit = 1M\n"),
                   "t.ini", &arena);
    const Service *s = conf_get(conf, &service, (Str){0});

    CHECK(!conf_next_problem(conf, &at, &problem) && s->threads == 8 && s->limit == 1048576);
    conf = conf_parse(&part, STR("[other]\nkey = 1\n[service]\nkey = 1\n"), "t.ini", &arena);
    CHECK(conf_next_problem(conf, &at, &problem) && strstr(problem.text.ptr, "t.ini:4: ") &&
          !conf_next_problem(conf, &at, &problem));
}

int main(void)
{
    RUN(an_empty_file_gives_every_default);
    RUN(values_are_read_with_their_types);
    RUN(what_is_wrong_is_named_with_its_line_and_what_is_near);
    RUN(long_lines_and_files_are_refused_and_values_go_on);
    RUN(sections_with_a_name_are_walked_in_order);
    RUN(the_environment_comes_before_the_file);
    RUN(items_know_where_they_are_from);
    RUN(a_reload_tells_what_changed_and_what_needs_a_restart);
    RUN(keys_are_found_by_name_and_by_a_near_one);
    RUN(the_sample_reads_back_as_the_defaults);
    RUN(other_sections_are_passed_over_where_that_is_wanted);
    RUN(a_file_that_is_missing_is_all_defaults_and_a_wrong_one_an_error);
    DONE();
}
