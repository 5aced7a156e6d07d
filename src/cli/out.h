/* SPDX-License-Identifier: Apache-2.0 */
/*
 * out -- what a command prints: a table or a record for people, JSON with --json, from the same calls
 *
 * A list is one object a line in JSON, a table otherwise:
 *
 *     static const OutColumn columns[] = {{"name", OUT_TEXT}, {"size", OUT_BYTES}};
 *     out_list(out, columns, COUNT_OF(columns));
 *     while (...) {
 *         out_text(out, shard.name);
 *         out_int(out, shard.bytes);
 *     }
 *     out_end(out);
 *
 * Cells go from left to right; a row is complete with its last. A record is one object in JSON, and lines of
 * "name  value" otherwise; a list inside a record is an array of objects, and a table under its name:
 *
 *     out_record(out);
 *     out_field(out, "lines", OUT_INT);
 *     out_int(out, lines);
 *     out_field_list(out, "rejected", columns, COUNT_OF(columns));
 *     ... cells ...
 *     out_end(out);
 *     out_end(out);
 *
 * A list of any length needs little memory: tables are printed in pieces. Nothing is printed of a record that was
 * not ended. Out is used by one thread.
 */
#ifndef CLI_OUT_H
#define CLI_OUT_H

#include "base/json.h"
#include "base/time.h"

/*
 * How people see a value; JSON has bytes and durations as whole numbers (bytes, microseconds), times as RFC 3339 with
 * the fraction that people are spared.
 */
typedef enum OutKind {
    OUT_TEXT,
    OUT_INT,      /* out_int; aligned right */
    OUT_BYTES,    /* out_int; "1.5 GiB" */
    OUT_DURATION, /* out_int; "2 min 5 s" */
    OUT_TIME,     /* out_int, an Instant */
    OUT_NUMBER,   /* out_double */
    OUT_BOOL,     /* out_bool; yes or no */
    OUT_JSON,     /* out_json; text that is JSON already */
} OutKind;

typedef struct OutColumn {
    const char *name; /* the key in JSON; people see it in capitals, "_" as a blank */
    OutKind kind;
    bool cut; /* may be cut where a terminal is too narrow */
    size_t
        least; /* of ASCII: so many letters say enough, as of the digits of a key; 0: fewer than two dozen say nothing */
    unsigned
        spare; /* may be left away where a terminal is too narrow: the highest number first; 0: never. JSON has it always */
} OutColumn;

enum { OUT_KEY_LEAST = 8 }; /* digits of a key: as many as are typed */

typedef struct Out Out;

/* Where it goes is `fd`; colour, and tables as wide as the terminal, when it is one. */
Out *out_new(Arena *arena, int fd, bool json, bool quiet, bool colour);

void out_list(Out *out, const OutColumn *columns, size_t count);
void out_record(Out *out);
void out_field(Out *out, const char *name, OutKind kind);
void out_field_list(Out *out, const char *name, const OutColumn *columns, size_t count);
void out_end(Out *out);

/* The next cell of a list, or the value of the field just named. */
void out_text(Out *out, Str value);
void out_z(Out *out, const char *value); /* NULL is nothing: null */
void out_int(Out *out, int64_t value);
void out_double(Out *out, double value);
void out_bool(Out *out, bool value);
void out_json(Out *out, Str value);
void out_null(Out *out);

/* Text that is the whole answer of a command and looks the same for all (a script, a manual). */
void out_raw(Out *out, Str text);

/* A sentence for people: neither with --json nor with --quiet. A newline is added. */
void out_say(Out *out, const char *fmt, ...) ATTR_PRINTF(2, 3);

/*
 * A sentence on standard error, at once: something is wrong, and the command goes on. With --json it is
 * {"warning":{"message":...}}. A newline is added.
 */
void out_warn(Out *out, const char *fmt, ...) ATTR_PRINTF(2, 3);

/* Whether somebody wants JSON. */
bool out_is_json(const Out *out);

/*
 * Write what is still held back; for a command that prints while it waits, and at the end of each.
 *
 * ERR_IO  it cannot be written
 */
bool out_flush(Out *out, Err *err) ATTR_MUST_USE;

#endif
