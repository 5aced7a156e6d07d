/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rules -- what the name of a file says about it (docs/guide/rules.md)
 *
 * A rule set names a collection of products and how to read their files: a pattern whose named groups give
 * the date and the namespace, and fields that replace what the file itself says or leaves out. The first set
 * whose pattern is found in the file's name (or in its whole path) holds for the file. The file format is the
 * original's: {"rule_sets":[{"collection":"...","pattern":"...",...},...]}. Rules given replace the built-in
 * ones (rules.json beside this file, compiled in).
 *
 * Patterns are Perl-compatible (PCRE2), named groups (?P<year>...) as in the original. Matching has a limit,
 * so that a pattern cannot stop the crawl; a name on which it is passed counts as not matching.
 */
#ifndef EXTRACT_RULES_H
#define EXTRACT_RULES_H

#include "extract/record.h"

typedef enum RuleNamespace { NS_PATH, NS_DATASET, NS_COMBINE } RuleNamespace;

/* Finds a dataset's name in a path: `pattern`'s groups go into `template` where it says {{.group}}. */
typedef struct RuleTemplate {
    struct pcre2_real_code_8 *pattern;
    Str text;
} RuleTemplate;

typedef struct RuleGeoLoc {
    RuleTemplate x, y;
    RecordGeoLoc loc; /* without its names */
} RuleGeoLoc;

typedef struct Rule {
    Str collection;
    RuleNamespace name_space;
    Str srs_text, proj4_text; /* empty: what the file says */
    struct pcre2_real_code_8 *pattern;
    bool match_full_path, compute_stats, nc_metadata;
    RecordAxis *time_axis; /* its name, and shape and strides when given; or NULL */
    Str time_units;
    Instant *times;
    size_t times_len;
    bool has_bbox;
    double bbox[4]; /* left, top, right, bottom */
    RuleGeoLoc *geo_loc;
    RecordAxis *axes;
    size_t axes_len;
} Rule;

typedef struct Rules {
    Rule *at;
    size_t len;
} Rules;

/* What a rule set says of one path. The texts point into the path. */
typedef struct RuleMatch {
    const Rule *rule;
    Str name_space; /* the group of that name, or empty */
    bool has_time;
    Instant time;
} RuleMatch;

/*
 * Read rule sets from JSON text; `name` is for messages.
 *
 * ERR_CONFIG  the text is no JSON, or a field is unknown, of the wrong type or wrong; the message has the
 *             line and column, or the number, collection and field of the set
 */
bool rules_parse(Arena *arena, Str text, const char *name, Rules *out, Err *err) ATTR_MUST_USE;

/* Read rule sets from a file of at most 1 MiB. As rules_parse(), and ERR_NOT_FOUND, ERR_IO, ERR_LIMIT. */
bool rules_load(Arena *arena, const char *path, Rules *out, Err *err) ATTR_MUST_USE;

/* The rule sets compiled in. ERR_CONFIG would be a mistake in rules.json. */
bool rules_built_in(Arena *arena, Rules *out, Err *err) ATTR_MUST_USE;

/* The first set that holds for `path`; out->rule is NULL when none does. */
void rules_match(const Rules *rules, Str path, RuleMatch *out);

/* Fill a template from `path`; empty when the pattern is not found in it. */
Str rules_fill(Arena *arena, const RuleTemplate *filled, Str path);

#endif
