/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mas -- the questions of the MAS API (NCI's Metadata Attribute Storage, which GSKY asks) to the catalogue
 *
 * A question is about a path ("gpath"); the shard whose root is the path or its nearest ancestor answers it. Answers
 * are JSON as the original writes it. Where the original is wrong the answer is right, unless `compat` is on; the
 * differences are in docs/guide/gsky.md.
 *
 * Threads share one Mas. It keeps connections of its own, set up so that queries are planned once: see mas_open().
 *
 * All functions fail with the codes of db/db.h and db/pool.h; a text that the server found wrong has its SQLSTATE.
 */
#ifndef CATALOG_MAS_H
#define CATALOG_MAS_H

#include "base/buf.h"
#include "catalog/pathname.h"
#include "db/pool.h"

typedef struct Mas Mas;

typedef struct MasOptions {
    const char *reader; /* connection string of a role that reads */
    const char *writer; /* of one that may write ows_cache */
    int connections;    /* 0: 8 */
    Duration statement_timeout;
    bool compat;
} MasOptions;

/* Nothing is connected yet. ERR_USAGE: a connection string cannot be read. */
bool mas_open(const MasOptions *options, Mas **out, Err *err) ATTR_MUST_USE;
void mas_close(Mas *mas);
void mas_tick(Mas *mas); /* now and then: closes what is idle */

/* Takes some of an answer; fails when nobody wants the rest. The Buf is the answer's: it may be emptied. */
typedef bool MasFlush(void *ctx, Err *err);

/* Where an answer goes. */
typedef struct MasOut {
    Buf *body;
    MasFlush *flush; /* called now and then while a long answer is written; may be NULL */
    void *ctx;
} MasOut;

/* All texts as sent; empty: absent. They are UTF-8 without NUL. */
typedef struct MasSearch {
    Str path;
    Str srs, wkt, time, until, names;
    bool has_names;
    int64_t parts;          /* nseg */
    double same, tolerance; /* identitytol, dptol */
    int64_t limit;          /* files; 0 or less: all */
} MasSearch;

/* {"gdal": [...]}: the datasets of files in an area and time. ERR_USAGE: of a parameter, ERR_DB, ERR_BUSY. */
bool mas_intersects(Mas *mas, Arena *arena, const MasSearch *search, const MasOut *out,
                    Err *err) ATTR_MUST_USE;

typedef struct MasStamps {
    Str path, time, until, names, token;
    bool has_names;
} MasStamps;

/* {"token": ..., "timestamps": [...]}: distinct times below a path; none when the token is of the same answer.
 * ERR_USAGE: of a time, ERR_DB, ERR_BUSY. */
bool mas_timestamps(Mas *mas, Arena *arena, const MasStamps *ask, const MasOut *out, Err *err) ATTR_MUST_USE;

/* The box, period and variables below a path. ERR_DB, ERR_BUSY. */
bool mas_extents(Mas *mas, Arena *arena, Str path, bool has_names, Str names, const MasOut *out,
                 Err *err) ATTR_MUST_USE;

/* Shards' roots; directories right below a path. ERR_DB, ERR_BUSY. */
bool mas_list_roots(Mas *mas, const MasOut *out, Err *err) ATTR_MUST_USE;
bool mas_list_below(Mas *mas, Arena *arena, Str path, const MasOut *out, Err *err) ATTR_MUST_USE;
/* What GSKY may make layers of in a directory. ERR_DB, ERR_BUSY. */
bool mas_layers(Mas *mas, Arena *arena, Str path, const MasOut *out, Err *err) ATTR_MUST_USE;

/* A document under a key, per shard. ERR_USAGE: the value is no JSON, or there is no such shard. */
bool mas_cache_put(Mas *mas, Arena *arena, Str path, Str query, Str value, Err *err) ATTR_MUST_USE;
bool mas_cache_get(Mas *mas, Arena *arena, Str path, Str query, const MasOut *out, Err *err) ATTR_MUST_USE;

#endif
