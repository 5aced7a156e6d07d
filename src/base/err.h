/* SPDX-License-Identifier: Apache-2.0 */
/*
 * err -- the one way a function reports failure
 *
 * A function that can fail returns bool (or a pointer) and takes `Err *err` last. The caller owns the
 * Err, usually one per command, request or worker, on the stack. Nothing below main() logs or exits:
 * it fills the Err and returns false, so a failure reads as one line:
 *
 *     if (fd < 0)
 *         return err_sys(err, ERR_IO, "cannot open '%s'", path);
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdbool.h>

#include "base/attr.h"

typedef enum ErrCode {
#define X(code, exit_status, http_status, retry, meaning) code,
#include "base/err.def"
#undef X
} ErrCode;

typedef struct Err {
    ErrCode code;
    int sys;          /* errno, or 0 when the failure is not the kernel's */
    const char *file; /* where it was first raised; static storage */
    int line;
    char sqlstate[6]; /* "" when the failure is not a database's */
    char text[768];   /* outermost context first: "cannot seal feed 'x': cannot write 'y': No space left" */
    char hint[256];   /* what to do about it, or "" */
} Err;

/*
 * All four are false, so that raising and returning is one statement. They say so here, where compilers and analysers
 * see it: behind "return err_set(...)" nothing was given out.
 */
/* Raise. */
#define err_set(err, code, ...) (err_set_at((err), (code), __FILE__, __LINE__, __VA_ARGS__), false)
/* Raise from errno; appends what the kernel calls it. */
#define err_sys(err, code, ...) (err_sys_at((err), (code), __FILE__, __LINE__, __VA_ARGS__), false)
/* Say what was being done when it failed; prepends "text: ". */
#define err_wrap(err, ...) (err_put_context((err), __VA_ARGS__), false)
/* Say what the reader can do about it; replaces an earlier hint. */
#define err_hint(err, ...) (err_put_hint((err), __VA_ARGS__), false)

void err_set_at(Err *err, ErrCode code, const char *file, int line, const char *fmt, ...) ATTR_PRINTF(5, 6);
void err_sys_at(Err *err, ErrCode code, const char *file, int line, const char *fmt, ...) ATTR_PRINTF(5, 6);
void err_put_context(Err *err, const char *fmt, ...) ATTR_PRINTF(2, 3);
void err_put_hint(Err *err, const char *fmt, ...) ATTR_PRINTF(2, 3);

/* The rows of err.def. `err_name` is without its ERR_ prefix: "NOT_FOUND". */
const char *err_name(ErrCode code);
const char *err_meaning(ErrCode code);
int err_exit_status(ErrCode code);
int err_http_status(ErrCode code);
bool err_is_transient(ErrCode code);

#endif
