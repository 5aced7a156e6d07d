/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jsonread -- a pull reader of JSON text that checks every byte once and copies nothing
 *
 * For records that arrive by the hundred thousand and of which a few fields are wanted: json-c builds a
 * tree at about 100 MB/s, this reads at above 1 GB/s (bench/base/json_bench). Grammar: RFC 8259, and what
 * PostgreSQL's jsonb cannot hold is an error too: \u0000, a lone surrogate, bytes that are not UTF-8.
 *
 *     JsonIn in = json_in(text);
 *     JsonValue value;
 *     Str key;
 *     for (bool more = json_enter(&in, '{'); more && json_key_next(&in, &key);)
 *         if (str_eq(key, STR("size")))  json_value(&in, &value);   // takes one value, or
 *         else                           json_skip(&in);            // json_enter()s it
 *     if (!json_done(&in)) ... in.problem says what, json_at(&in) where
 *
 * After a mistake every call returns false, so a caller checks once at the end.
 */
#ifndef BASE_JSONREAD_H
#define BASE_JSONREAD_H

#include "base/str.h"

enum { JSON_DEPTH_MAX = 128 };

typedef enum JsonKind {
    JSON_NULL,
    JSON_FALSE,
    JSON_TRUE,
    JSON_NUMBER,
    JSON_STRING,
    JSON_OBJECT,
    JSON_ARRAY
} JsonKind;

typedef struct JsonValue {
    JsonKind kind;
    bool escaped; /* a string with backslashes in it */
    Str raw;      /* the value's text; for a string without its quotes, escapes as written */
} JsonValue;

typedef struct JsonIn {
    const char *start, *at, *end;
    const char *problem; /* NULL while all is well; static storage */
    int depth;
    bool first; /* nothing was read yet of the innermost object or array */
} JsonIn;

JsonIn json_in(Str text);

/* Is the next value an object ('{') or array ('[')? Then go into it. False when it is something else: it stays the next. */
bool json_enter(JsonIn *in, char bracket);

/* The next key of the object entered last, or false at its end (which is then behind us). Raw, as JsonValue. */
bool json_key_next(JsonIn *in, Str *key);

/* Is there another element in the array entered last? False at its end (which is then behind us). */
bool json_element_next(JsonIn *in);

/* Take one whole value, whatever it is. */
bool json_value(JsonIn *in, JsonValue *out);
bool json_skip(JsonIn *in);

/* True when the text was right and nothing is left of it. */
bool json_done(JsonIn *in);

/* Offset of the reader from the start, bytes: where the problem is. */
size_t json_at(const JsonIn *in);

/* The text of a string value with its escapes undone; in `arena` only when there are any. */
Str json_text(Arena *arena, const JsonValue *value);

/* A whole number (or a decimal text holding one); false for all else. */
bool json_to_int64(const JsonValue *value, int64_t *out);
bool json_to_double(const JsonValue *value, double *out);

#endif
