/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http/param -- typed parameters: a row says what is allowed, the text of a request becomes a Value or a sentence
 *
 * Rows stand in the route's table. Bounds and defaults are texts, as a user would write them, so that the OpenAPI
 * page prints what is checked. What the bounds mean depends on the type:
 *
 *     type            a value looks like             min, max           Value field
 *     PARAM_TEXT      UTF-8 without NUL              length, bytes      text       (default max 4096)
 *     PARAM_RAW       any bytes but NUL: file paths  length, bytes      text       (default max 16384)
 *     PARAM_INT       -12                            value              number
 *     PARAM_UINT      12                             value              number     (0 .. 2^63-1)
 *     PARAM_DOUBLE    -1.5e3; finite                 value              real
 *     PARAM_BOOL      yes no true false 1 0, or nothing: `?all`         number     (0 or 1)
 *     PARAM_TIME      RFC 3339, or a date            value              number     (Instant, microseconds)
 *     PARAM_DURATION  90ms 10m 7d                    value              number     (Duration, microseconds)
 *     PARAM_SIZE      12, 10K, 1.5M, 2G, 1T (1024s)  value              number     (bytes)
 *     PARAM_ENUM      one of `choices`: "a|b|c"                         number     (its index), text
 *     PARAM_LIST      a,b,c                          how many           list, count (of Str, UTF-8)
 *     PARAM_DOUBLES   1,2.5,-3                       how many           reals, count
 *
 * A parameter that is empty (`?limit=`) counts as absent, except for PARAM_TEXT and PARAM_RAW with `min` = "0" and
 * PARAM_BOOL. A missing one takes `default_text`, or is not `given`.
 */
#ifndef HTTP_PARAM_H
#define HTTP_PARAM_H

#include "base/time.h"
#include "http/url.h"

typedef enum ParamType {
    PARAM_TEXT,
    PARAM_RAW,
    PARAM_INT,
    PARAM_UINT,
    PARAM_DOUBLE,
    PARAM_BOOL,
    PARAM_TIME,
    PARAM_DURATION,
    PARAM_SIZE,
    PARAM_ENUM,
    PARAM_LIST,
    PARAM_DOUBLES,
} ParamType;

typedef enum ParamIn { IN_QUERY, IN_PATH, IN_FORM } ParamIn;

enum {
    PARAM_TEXT_MAX = 4096, /* bytes of a PARAM_TEXT without `max` */
    PARAM_RAW_MAX = 16384, /* bytes of a PARAM_RAW without `max` */
    PARAM_LIST_MAX = 1000, /* members of a PARAM_LIST or PARAM_DOUBLES without `max` */
};

typedef struct Param {
    const char *name;
    ParamType type;
    ParamIn in;
    bool required; /* parameters of the path always are */
    const char *min, *max, *default_text;
    const char *choices; /* PARAM_ENUM: "name|size|time" */
    const char *help;    /* one sentence for people */
    const char *example; /* a value that passes, as a user would write it; NULL: none */
} Param;

/* The two that every list takes (INTERFACE.md). */
#define PARAM_LIMIT(most, usual)                                             \
    {                                                                        \
        "limit", PARAM_UINT, .min = "1", .max = most, .default_text = usual, \
                             .help = "How many items at most in one answer." \
    }
#define PARAM_AFTER                                                                            \
    {                                                                                          \
        "after", PARAM_TEXT, .max = "16384",                                                   \
                             .help = "Go on behind this key: the `next` of the answer before." \
    }

typedef struct Value {
    bool given; /* by the request or by the default */
    Str text;   /* decoded, as sent */
    int64_t number;
    double real;
    Str *list;
    double *reals;
    size_t count;
} Value;

/*
 * The value that `text` (decoded) means. `list` and `reals` are in `arena`, `text` is not copied.
 *
 * ERR_USAGE  it is not of that type, or outside the bounds; the message names the parameter
 */
bool param_parse(const Param *param, Str text, Arena *arena, Value *out, Err *err) ATTR_MUST_USE;

/*
 * All values of one request, in the order of the table: values[i] belongs to params[i].
 *
 * query, form   the pairs sent; anything in them that the table does not have is refused unless `any`
 * path          values of the path's placeholders, in the order of the IN_PATH rows
 *
 * ERR_USAGE  one is missing, unknown, sent twice, malformed, not UTF-8, too long, or wrong; the message names it
 */
bool param_check(const Param *params, size_t count, Pairs query, Pairs form, const Str *path, bool any,
                 Arena *arena, Value *values, Err *err) ATTR_MUST_USE;

/*
 * Whether a table's own texts (bounds, defaults, examples, choices) are sound; called when a table is mounted.
 *
 * ERR_BUG  a bound, default or example does not parse, a name is twice in the table, or an enum has no choices
 */
bool param_table_check(const Param *params, size_t count, Err *err) ATTR_MUST_USE;

/* "integer", "text" ...: for messages. */
const char *param_type_name(ParamType type);

#endif
