/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

ATTR_PRINTF(6, 0)
static void raise_v(Err *err, ErrCode code, int sys, const char *file, int line, const char *fmt,
                    va_list args)
{
    *err = (Err){.code = code, .sys = sys, .file = file, .line = line};
    (void)vsnprintf(err->text, sizeof err->text, fmt, args);
}

void err_set_at(Err *err, ErrCode code, const char *file, int line, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    raise_v(err, code, 0, file, line, fmt, args);
    va_end(args);
}

void err_sys_at(Err *err, ErrCode code, const char *file, int line, const char *fmt, ...)
{
    int sys = errno;
    va_list args;

    va_start(args, fmt);
    raise_v(err, code, sys, file, line, fmt, args);
    va_end(args);

    size_t used = strlen(err->text);
    (void)snprintf(err->text + used, sizeof err->text - used, ": %s", strerrordesc_np(sys));
}

void err_put_context(Err *err, const char *fmt, ...)
{
    char inner[sizeof err->text];
    va_list args;

    memcpy(inner, err->text, sizeof inner);
    va_start(args, fmt);
    (void)vsnprintf(err->text, sizeof err->text, fmt, args);
    va_end(args);

    size_t used = strlen(err->text);
    (void)snprintf(err->text + used, sizeof err->text - used, ": %s", inner);
}

void err_put_hint(Err *err, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(err->hint, sizeof err->hint, fmt, args);
    va_end(args);
}

static const struct {
    const char *name, *meaning;
    int exit_status, http_status;
    bool retry;
} traits[] = {
#define X(code, exit_status, http_status, retry, meaning) \
    [code] = {#code, meaning, exit_status, http_status, retry},
#include "base/err.def"
#undef X
};

const char *err_name(ErrCode code)
{
    return traits[code].name + strlen("ERR_");
}

const char *err_meaning(ErrCode code)
{
    return traits[code].meaning;
}

int err_exit_status(ErrCode code)
{
    return traits[code].exit_status;
}

int err_http_status(ErrCode code)
{
    return traits[code].http_status;
}

bool err_is_transient(ErrCode code)
{
    return traits[code].retry;
}
