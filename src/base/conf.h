/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf -- the configuration file: sections and typed keys, declared as tables
 *
 * A part declares its keys in <part>.def, one row each; the struct that holds them, the reader, `strata config`,
 * the sample file and the manual come from the rows:
 *
 *     X(listen,  ADDRESS,  "127.0.0.1:0", "", "", false, "where the service listens; port 0 takes a free one")
 *     X(compat,  ENUM,     "no", "no|yes", "", true, "give the original's answers where they are wrong")
 *
 *     typedef struct HttpConf {
 *     #define X CONF_FIELD
 *     #include "http/http.def"
 *     #undef X
 *     } HttpConf;
 *
 *     static const ConfKey keys[] = {
 *     #define X(...) CONF_ROW(HttpConf, __VA_ARGS__)
 *     #include "http/http.def"
 *     #undef X
 *     };
 *     const ConfSection http_conf = CONF_SECTION("http", NULL, "the HTTP service", HttpConf, keys);
 *
 * The rows are name, type, default, minimum, maximum, whether a reload takes it, and a sentence. Default and
 * limits are texts as the user would write them, "" for none; an ENUM has its words in the place of the minimum.
 *
 * The file is INI as inih reads it: [section] or [section NAME], key = value, lines that start with # or ;
 * are comments, and so is what follows " ;". A line that starts with a blank goes on with the value before it.
 * The environment comes before the file: STRATA_<SECTION>_<KEY>, STRATA_<SECTION>_<NAME>_<KEY>, in capitals with _
 * for what is neither a letter nor a digit.
 *
 * A Conf does not change once it is read, so threads may share it.
 */
#ifndef BASE_CONF_H
#define BASE_CONF_H

#include "base/buf.h"
#include "base/time.h"

enum {
    CONF_FILE_MAX = 1024 * 1024, /* bytes */
    CONF_LINE_MAX = 196,         /* bytes; inih's own limit. Longer values go on in the next line */
    CONF_VALUE_MAX = 4096,       /* bytes of a value, over all its lines */
    CONF_LABEL_MAX = 40,         /* bytes of the NAME in [section NAME] */
};

typedef enum ConfType {
    CONF_TEXT,     /* Str */
    CONF_PATH,     /* Str; relative to the instance where it does not start with a slash */
    CONF_ADDRESS,  /* Str; HOST:PORT or [IPV6]:PORT */
    CONF_COUNT,    /* int64_t, not negative */
    CONF_BYTES,    /* int64_t; base/quantity.h */
    CONF_DURATION, /* Duration; time_parse_duration() */
    CONF_ENUM,     /* int, the place of the word in the row's list */
    CONF_BOOL,     /* bool; yes or no */
} ConfType;

#define CONF_FIELD_TEXT     Str
#define CONF_FIELD_PATH     Str
#define CONF_FIELD_ADDRESS  Str
#define CONF_FIELD_COUNT    int64_t
#define CONF_FIELD_BYTES    int64_t
#define CONF_FIELD_DURATION Duration
#define CONF_FIELD_ENUM     int
#define CONF_FIELD_BOOL     bool

typedef struct ConfKey {
    const char *name;
    size_t offset; /* of the field in the section's struct */
    const char *preset, *min, *max;
    const char *meaning; /* one sentence, lower case, no full stop */
    ConfType type;
    bool reloadable; /* false: a change needs a restart */
} ConfKey;

typedef struct ConfSection {
    const char *name;
    const char
        *label; /* what NAME in [section NAME] is: "SERVER"; NULL where there is one such section only */
    const char *meaning;
    const ConfKey *keys;
    size_t keys_count, size;
} ConfSection;

#define CONF_FIELD(name, type, preset, min, max, reloadable, meaning) CONF_FIELD_##type name;
#define CONF_ROW(holder, name, type, preset, min, max, reloadable, meaning) \
    {#name, offsetof(holder, name), preset, min, max, meaning, CONF_##type, reloadable},
#define CONF_SECTION(name, label, meaning, holder, keys)           \
    {                                                              \
        name, label, meaning, keys, COUNT_OF(keys), sizeof(holder) \
    }

typedef struct ConfSet {
    const ConfSection *const *sections;
    size_t count;
    bool part; /* a file may have others, which are passed over */
} ConfSet;

typedef struct Conf Conf;

/*
 * Read the file at `path`, or take every default where there is none.
 *
 * ERR_CONFIG  a section, key or value is not allowed; the text has path:line, the hint what is near or allowed
 * ERR_IO      the file cannot be read
 * ERR_LIMIT   it is longer than CONF_FILE_MAX
 */
bool conf_load(const ConfSet *set, const char *path, Arena *arena, Conf **out, Err *err) ATTR_MUST_USE;

/* The same of `text`, with everything that is wrong kept: conf_problems(). `path` is what messages call it. */
Conf *conf_parse(const ConfSet *set, Str text, const char *path, Arena *arena);

/* The struct of a section, never NULL; `label` is the empty Str for one without. NULL where no [section label] is. */
const void *conf_get(const Conf *conf, const ConfSection *section, Str label);

/* Walks [section NAME]s in the file's order: `size_t at = 0; while (conf_next(conf, &server_conf, &at, &name, &values))`. */
bool conf_next(const Conf *conf, const ConfSection *section, size_t *at, Str *label, const void **values);

/* ---- for people ---- */

typedef enum ConfOrigin { CONF_DEFAULT, CONF_FILE, CONF_ENVIRONMENT } ConfOrigin;

/* One value in effect. */
typedef struct ConfItem {
    const ConfSection *section;
    Str label;
    const ConfKey *key;
    Str value; /* as it was written */
    ConfOrigin origin;
    int line; /* of the file, for CONF_FILE */
} ConfItem;

bool conf_next_item(const Conf *conf, size_t *at, ConfItem *out);

typedef struct ConfProblem {
    Str text, hint; /* "strata.ini:7: ...", "did you mean ..." or empty */
} ConfProblem;

bool conf_next_problem(const Conf *conf, size_t *at, ConfProblem *out);

/* A value that differs between two readings; key is NULL where a whole [section NAME] came or went. */
typedef struct ConfChange {
    const ConfSection *section;
    Str label;
    const ConfKey *key;
    Str before, after;
    bool needs_restart;
} ConfChange;

bool conf_next_change(const Conf *before, const Conf *after, size_t *at, ConfChange *out);

/* "http.listen" or "listen": walks the keys so called. */
bool conf_next_named(const ConfSet *set, Str name, size_t *at, const ConfSection **section,
                     const ConfKey **key);

/* The key that `name` was probably meant to be, as "section.key", or the empty Str. */
Str conf_nearest_key(const ConfSet *set, Str name, Arena *arena);

/* What a key may be: "a duration from 1s to 1h". */
void conf_put_range(const ConfKey *key, Buf *out);

/* The name of the environment variable that comes before the file. */
void conf_put_variable(const ConfSection *section, Str label, const ConfKey *key, Buf *out);

/* A file with every key, its meaning and its default, all commented out. */
void conf_put_sample(const ConfSet *set, Buf *out);

#endif
