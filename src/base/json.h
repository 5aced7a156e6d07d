/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json -- a streaming writer of JSON (RFC 8259) into a Buf
 *
 * The writer puts the commas. Nothing is kept but the nesting, so a list of any length is written in
 * pieces: flush the Buf whenever it is long enough. Bytes that are not UTF-8 are written as U+FFFD, so
 * the output is always valid; numbers that are not finite become null.
 *
 *     JsonOut out = json_out(&buf);
 *     json_begin(&out, '{');
 *     json_key(&out, "path");
 *     json_str(&out, path);
 *     json_end(&out, '}');
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/buf.h"
#include "base/err.h"

typedef struct JsonOut {
    Buf *buf;
    bool comma; /* the next value or key needs a comma before it */
} JsonOut;

static inline JsonOut json_out(Buf *buf)
{
    return (JsonOut){.buf = buf};
}

void json_begin(JsonOut *out, char bracket); /* '{' or '[' */
void json_end(JsonOut *out, char bracket);   /* '}' or ']' */
void json_key(JsonOut *out, const char *key);
void json_key_str(JsonOut *out, Str key);

void json_str(JsonOut *out, Str value);
void json_z(JsonOut *out, const char *value); /* NULL is null */
void json_int(JsonOut *out, int64_t value);
void json_uint(JsonOut *out, uint64_t value);
void json_double(JsonOut *out, double value); /* the shortest text that reads back as the same number */
void json_bool(JsonOut *out, bool value);
void json_null(JsonOut *out);
void json_raw(JsonOut *out, Str value); /* text that is JSON already, for example from PostgreSQL */

/* Ends one line of a list of objects: a newline, and no comma before the next. */
void json_line(JsonOut *out);

/* `value` as a JSON string with its quotes, without a writer. */
void json_put_quoted(Buf *buf, Str value);

/* {"error":{"code","message","hint"}}: how every failure is told, on standard error and over HTTP. */
void json_err(JsonOut *out, const Err *err);

#endif
