/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/time.h"

static const ConfKey keys[] = {
#define X(...) CONF_ROW(LogConf, __VA_ARGS__)
#include "base/log.def"
#undef X
};
const ConfSection log_conf =
    CONF_SECTION("log", NULL, "what the service writes to standard error", LogConf, keys);

static const char *const level_names[] = {"debug", "info", "warning", "error"};
/* The same for journald, which reads a syslog priority at the start of a line. */
static const char *const level_prefixes[] = {"<7>", "<6>", "<4>", "<3>"};

static atomic_int lowest = LOG_INFO;

void log_set_level(LogLevel level)
{
    atomic_store(&lowest, (int)level);
}

void log_line(LogLevel level, const char *fmt, ...)
{
    enum { LINE_MAX_BYTES = 2048 };
    char line[LINE_MAX_BYTES], now[TIME_TEXT_MAX];
    va_list args;

    if ((int)level < atomic_load(&lowest))
        return;
    int len = getenv("JOURNAL_STREAM") ? snprintf(line, sizeof line, "%s", level_prefixes[level])
                                       : snprintf(line, sizeof line, "%s %s ",
                                                  time_format(time_now(), now).ptr, level_names[level]);
    va_start(args, fmt);
    int more = vsnprintf(line + len, sizeof line - (size_t)len - 1, fmt, args);
    va_end(args);

    size_t end = (size_t)len + (more < 0 ? 0 : (size_t)more);
    if (end > sizeof line - 2)
        end = sizeof line - 2;
    line[end] = '\n';
    if (write(STDERR_FILENO, line, end + 1) < 0)
        return; /* nobody can be told */
}

void log_err(LogLevel level, const char *doing, const Err *err)
{
    log_line(level, "%s: %s code=%s%s%s%s", doing, err->text, err_name(err->code),
             err->hint[0] ? " hint=\"" : "", err->hint, err->hint[0] ? "\"" : "");
}
