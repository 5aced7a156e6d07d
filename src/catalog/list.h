/* SPDX-License-Identifier: Apache-2.0 */
/*
 * list -- lists out of the catalogue: what a directory holds, and the form that every list has
 *
 * A list is a query whose columns are declared in a ListShape, so that a page, a command and a file of lines can
 * print any list alike. Rows are handed over as they arrive. A list is read in pages or to its end: the key behind
 * each row is where the next page starts, opaque to those who ask.
 *
 *     ListSink sink = {.row = print, .ctx = &printer, .limit = 100};
 *     if (!list_directory(&access, path, LIST_BY_NAME, 0, &sink, err)) ...
 *     sink.next      where to go on; empty: this was all
 */
#ifndef CATALOG_LIST_H
#define CATALOG_LIST_H

#include "catalog/access.h"

/* What a column is, and the type that its query has to give. */
typedef enum ListKind {
    LIST_TEXT,   /* text */
    LIST_INT,    /* bigint or integer */
    LIST_BYTES,  /* bigint; people see 1.5 GiB */
    LIST_NUMBER, /* double precision */
    LIST_BOOL,   /* boolean */
    LIST_TIME,   /* timestamptz */
    LIST_HEX,    /* bytea */
    LIST_JSON,   /* text that is JSON */
} ListKind;

typedef struct ListColumn {
    const char *name;
    ListKind kind;
} ListColumn;

typedef struct ListShape {
    const char *name; /* of the schema that the HTTP service publishes */
    const ListColumn *columns;
    size_t count;
} ListShape;

typedef struct ListCell {
    bool null;
    Str text;       /* TEXT, HEX (bytes), JSON; valid during the call */
    int64_t number; /* INT, BYTES, BOOL, TIME (Instant) */
    double real;
} ListCell;

enum { LIST_COLUMNS_MAX = 32 };

/* Takes one row, `shape->count` cells; false (with `err` set) ends the list. */
typedef bool ListRowFn(void *ctx, const ListShape *shape, const ListCell *cells, Err *err);

typedef struct ListSink {
    ListRowFn *row;
    void *ctx;
    int64_t limit; /* rows at most; 0: all */
    Str after;     /* the `next` of the page before; empty: from the start */
    Arena *arena;  /* for `next` */
    Str next;      /* out: where to go on when there is more; empty otherwise */
} ListSink;

/*
 * Run a query whose columns are those of the shape, and behind them `key`, a text. It is asked for one row more than
 * the limit, which list_count() is. Errors as db_query(), and those of the sink.
 */
bool list_run(Db *db, const Sql *sql, const DbArg *args, const ListShape *shape, ListSink *sink,
              Err *err) ATTR_MUST_USE;
DbArg list_count(const ListSink *sink);

/*
 * Take a key made of whole numbers, blanks and a rest apart: "12 0 name".
 *
 * ERR_USAGE  it is not such a key, so no list gave it
 */
bool list_key_parse(Str key, int numbers, int64_t *out, Str *out_rest, Err *err) ATTR_MUST_USE;

/* The same with a uuid behind the numbers. ERR_USAGE. */
bool list_key_uuid(Str key, int numbers, int64_t *out, Str *out_uuid, Err *err) ATTR_MUST_USE;

/* ---- lists ---- */

typedef enum ListSort { LIST_BY_NAME, LIST_BY_SIZE, LIST_BY_TIME } ListSort;

extern const ListShape list_entries; /* of list_directory() and find */

/*
 * What is in a directory; the largest or newest first when so sorted.
 *
 * types  of AccessType, one of them; 0: all
 *
 * ERR_NOT_FOUND, ERR_DENIED as access_path(), and ERR_USAGE for a key that is none.
 */
bool list_directory(const Access *access, Str path, ListSort sort, AccessType type, ListSink *sink,
                    Err *err) ATTR_MUST_USE;

/* All about one path, one row. ERR_NOT_FOUND, ERR_DENIED as access_path(). */
extern const ListShape list_facts;
bool list_stat(const Access *access, Str path, ListSink *sink, Err *err) ATTR_MUST_USE;

/* The records of a path; `type`: only that one, when not empty. ERR_NOT_FOUND, ERR_DENIED as access_path(). */
extern const ListShape list_records;
bool list_metadata(const Access *access, Str path, Str type, ListSink *sink, Err *err) ATTR_MUST_USE;

/* What could not be read at or below a path; `type`: of that crawler only, when not empty. ERR_NOT_FOUND, ERR_DENIED as access_path(). */
extern const ListShape list_troubles;
bool list_problems(const Access *access, Str path, Str type, ListSink *sink, Err *err) ATTR_MUST_USE;

/*
 * What is below a directory, down to `depth` (1 .. 100), each directory followed by what is in it; directories alone
 * unless `all`. ERR_NOT_FOUND, ERR_DENIED as access_path(); ERR_USAGE for another depth.
 */
extern const ListShape list_branches;
bool list_tree(const Access *access, Str path, int64_t depth, bool all, ListSink *sink,
               Err *err) ATTR_MUST_USE;

/* What the catalogue took in last below a directory; `since` may be NULL. ERR_NOT_FOUND, ERR_DENIED as access_path(). */
extern const ListShape list_news;
bool list_learned(const Access *access, Str path, const Instant *since, ListSink *sink,
                  Err *err) ATTR_MUST_USE;

/* All shards: name, root, and what is in them. ERR_DB. */
extern const ListShape list_shard_facts;
bool list_shards(Db *db, ListSink *sink, Err *err) ATTR_MUST_USE;

/* The word of a type ("file") and back; 0 for none. */
AccessType list_type_from_name(Str name);
const char *list_type_name(AccessType type);

#endif
