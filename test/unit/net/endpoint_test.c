/* SPDX-License-Identifier: Apache-2.0 */
#include "net/endpoint.h"

#include "test/check.h"

static void addresses_are_read_and_written(void)
{
    static const struct {
        const char *text, *again;
        bool is_unix, is_any;
    } rows[] = {
        {"127.0.0.1:80", "127.0.0.1:80"},
        {"[::1]:65535", "[::1]:65535"},
        {"localhost:0", "127.0.0.1:0"},
        {"*:4123", "0.0.0.0:4123", .is_any = true},
        {"[2001:db8::0:1]:7", "[2001:db8::1]:7"},
        {"unix:/run/x.sock", "unix:/run/x.sock", .is_unix = true},
        {"unix:/a:1", "unix:/a:1", .is_unix = true},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        Endpoint endpoint;
        Err err = {0};
        char text[ENDPOINT_TEXT_MAX];

        CHECK(endpoint_parse(str_from_z(rows[i].text), &endpoint, &err));
        CHECK(strcmp(endpoint_text(&endpoint.at.any, text), rows[i].again) == 0);
        CHECK(endpoint.is_unix == rows[i].is_unix && endpoint.is_any == rows[i].is_any && !endpoint.is_name);
    }
}

static void names_are_left_to_be_looked_up(void)
{
    Endpoint endpoint;
    Err err = {0};

    CHECK(endpoint_parse(STR("peer-1.example.org:4123"), &endpoint, &err) && endpoint.is_name);
    CHECK(strcmp(endpoint.host, "peer-1.example.org") == 0 && strcmp(endpoint.port, "4123") == 0);
}

static void what_is_no_address_is_refused(void)
{
    static const char *const rows[] = {
        "",        "host",     ":1",    "host:",         "host:65536", "host:-1",       "::1:80",
        "[::1]",   "[::1:80",  "[x]:1", "[127.0.0.1]:1", "unix:",      "unix:relative", "a b:1",
        "host:1 ", "tcp://h:1"};

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        Endpoint endpoint;
        Err err = {0};

        CHECK(!endpoint_parse(str_from_z(rows[i]), &endpoint, &err) && err.code == ERR_USAGE && err.hint[0]);
    }
}

static void what_is_too_long_is_refused(void)
{
    Endpoint endpoint;
    Err err = {0};
    BUF_SCOPE(path);
    BUF_SCOPE(name);

    buf_put(&path, STR("unix:/"));
    while (path.len < 5 + sizeof endpoint.at.path.sun_path - 1)
        buf_put_byte(&path, 'p');
    CHECK(endpoint_parse(buf_str(&path), &endpoint, &err));
    CHECK(endpoint.at.path.sun_path[sizeof endpoint.at.path.sun_path - 1] == 0);
    buf_put_byte(&path, 'p');
    CHECK(!endpoint_parse(buf_str(&path), &endpoint, &err) && err.code == ERR_LIMIT);
    while (name.len < 254)
        buf_put_byte(&name, 'n');
    buf_put(&name, STR(":1"));
    CHECK(!endpoint_parse(buf_str(&name), &endpoint, &err) && err.code == ERR_USAGE);
}

int main(void)
{
    RUN(addresses_are_read_and_written);
    RUN(names_are_left_to_be_looked_up);
    RUN(what_is_no_address_is_refused);
    RUN(what_is_too_long_is_refused);
    DONE();
}
