/* SPDX-License-Identifier: Apache-2.0 */
/*
 * catalog_view -- what the commands that look into the catalogue have in common: options, a connection, printing
 *
 *     typedef struct Opts {
 *         CatalogViewOpts view;        first
 *         ...
 *     } Opts;
 *     static const Opt opts[] = {CATALOG_VIEW_OPTS, ..., {.type = OPT_END}};
 *     ...
 *     return catalog_view(call, &list_entries, columns, COUNT_OF(columns), ask, err);
 */
#ifndef CLI_CATALOG_VIEW_H
#define CLI_CATALOG_VIEW_H

#include "catalog/list.h"
#include "cli/cmd.h"

typedef struct CatalogViewOpts {
    int64_t limit;
    Str after;
} CatalogViewOpts;

#define CATALOG_VIEW_OPTS                                                                                    \
    {OPT_COUNT, "limit", 'n', offsetof(CatalogViewOpts, limit), "N", "print at most N", NULL, 1, INT64_MAX}, \
    {                                                                                                        \
        OPT_TEXT, "after", 0, offsetof(CatalogViewOpts, after), "KEY",                                       \
            "go on behind this key, which --limit printed"                                                   \
    }

/* Asks for what the command means of the shard args[0]; `path` is args[1], or empty: the shard's root. */
typedef bool CatalogViewAsk(const Call *call, const Access *access, Str path, ListSink *sink, Err *err);

/*
 * Print a list. People see the columns named in `shown` (ended by NULL); JSON has all.
 *
 * ERR_DB, ERR_NOT_FOUND, ERR_CONFIG  the instance is down, missing or wrong
 */
bool catalog_view(const Call *call, const ListShape *shape, const char *const *shown, CatalogViewAsk *ask,
                  Err *err) ATTR_MUST_USE;

/* Print the one row of a list as a record. Errors likewise: ERR_DB, ERR_NOT_FOUND. */
bool catalog_view_one(const Call *call, CatalogViewAsk *ask, Err *err) ATTR_MUST_USE;

#endif
