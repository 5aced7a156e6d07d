/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a configuration file: it is read or refused, what it says is within the rows' limits. */
#include <stdint.h>
#include <stdlib.h>

#include "base/conf.h"
#include "base/log.h"

typedef struct Server {
    Str dsn, listen;
    int64_t threads, memory;
    Duration timeout;
    bool on;
} Server;

static const ConfKey keys[] = {
    CONF_ROW(Server, dsn, TEXT, "embedded", "", "", false, "where it is")
        CONF_ROW(Server, listen, ADDRESS, "x:1", "", "", false, "where it listens")
            CONF_ROW(Server, threads, COUNT, "1", "1", "64", false, "how many")
                CONF_ROW(Server, memory, BYTES, "1M", "64K", "1G", false, "how much")
                    CONF_ROW(Server, timeout, DURATION, "1s", "1ms", "1h", false, "how long")
                        CONF_ROW(Server, on, BOOL, "yes", "", "", false, "whether")};
static const ConfSection server = CONF_SECTION("server", "SERVER", "a server", Server, keys);
static const ConfSection *const sections[] = {&log_conf, &server};
static const ConfSet set = {sections, COUNT_OF(sections)};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ARENA_SCOPE(arena);
    Conf *conf = conf_parse(&set, (Str){(const char *)data, size}, "fuzz", &arena);
    const LogConf *log = conf_get(conf, &log_conf, (Str){0});
    const void *values;
    ConfProblem problem;
    ConfChange change;
    Str name;
    size_t at = 0;

    if (log->level < LOG_DEBUG || log->level > LOG_ERROR)
        abort();
    while (conf_next(conf, &server, &at, &name, &values)) {
        const Server *s = values;

        if (s->threads < 1 || s->threads > 64 || s->memory < 65536 || s->memory > 1 << 30 ||
            name.len > CONF_LABEL_MAX)
            abort();
        if (s->timeout < MILLISECONDS(1) || s->timeout > SECONDS(3600) || s->dsn.len > CONF_VALUE_MAX)
            abort();
    }
    for (at = 0; conf_next_problem(conf, &at, &problem);)
        if (problem.text.len == 0)
            abort();
    at = 0;
    if (conf_next_change(conf, conf, &at, &change))
        abort();
    return 0;
}
