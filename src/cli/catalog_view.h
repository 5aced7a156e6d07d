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
    Str type; /* where a command has CATALOG_VIEW_TYPE */
} CatalogViewOpts;

#define CATALOG_VIEW_OPTS                                                                                    \
    {OPT_COUNT, "limit", 'n', offsetof(CatalogViewOpts, limit), "N", "print at most N", NULL, 1, INT64_MAX}, \
    {                                                                                                        \
        OPT_TEXT, "after", 0, offsetof(CatalogViewOpts, after), "KEY",                                       \
            "go on behind this key, which --limit printed"                                                   \
    }
#define CATALOG_VIEW_TYPE(help)                                              \
    {                                                                        \
        OPT_TEXT, "type", 't', offsetof(CatalogViewOpts, type), "TYPE", help \
    }

/* The options of a command that has no others. */
extern const Opt catalog_view_opts[];

/* Asks for what the command means of the shard args[0]; `path` is args[1], or empty: the shard's root. */
typedef bool CatalogViewAsk(const Call *call, const Access *access, Str path, ListSink *sink, Err *err);

/*
 * Print a list. People see the columns named in `shown` (ended by NULL); JSON has all.
 *
 * ERR_DB, ERR_NOT_FOUND, ERR_CONFIG  the instance is down, missing or wrong
 */
bool catalog_view(const Call *call, const ListShape *shape, const char *const *shown, CatalogViewAsk *ask,
                  Err *err) ATTR_MUST_USE;

/* The same of a list that asks for nothing but a path, and of one for a type besides. */
typedef bool CatalogList(const Access *access, Str path, ListSink *sink, Err *err);
typedef bool CatalogTypedList(const Access *access, Str path, Str type, ListSink *sink, Err *err);

/* ERR_DB, ERR_NOT_FOUND, ERR_CONFIG as catalog_view(). */
bool catalog_view_list(const Call *call, const ListShape *shape, const char *const *shown, CatalogList *list,
                       Err *err) ATTR_MUST_USE;
bool catalog_view_typed(const Call *call, const ListShape *shape, CatalogTypedList *list,
                        Err *err) ATTR_MUST_USE;

/* Print the one row of a list as a record. Errors likewise: ERR_DB, ERR_NOT_FOUND. */
bool catalog_view_one(const Call *call, CatalogList *list, Err *err) ATTR_MUST_USE;

#endif
