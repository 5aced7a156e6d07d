/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mas_shard -- what the files behind mas.h share: which shard a path is in, and a connection to it
 *
 * Which shard has which root is remembered, and looked up again whenever what was remembered turns out wrong:
 * a connection is taken for the shard that was meant last time, and the first query on it says whether it still is.
 */
#ifndef CATALOG_MAS_SHARD_H
#define CATALOG_MAS_SHARD_H

#include "catalog/geometry.h"
#include "catalog/mas.h"
#include "catalog/mas_area.h"

typedef struct MasShard {
    char code[POOL_SHARD_MAX + 1]; /* empty: the path is in none */
    Str root;                      /* in the request's arena */
    uint32_t sizes;                /* of datasets, as bits, that searches have met in it so far */
} MasShard;

typedef struct MasNames {
    bool given;
    Str list; /* "{a,b}", each as the API compares it; for $n::text[] */
} MasNames;

bool mas_is_compat(const Mas *mas);

/* The names of a list with commas; an empty one is one that no dataset has. */
MasNames mas_names(Arena *arena, bool given, Str list);

/* A path without slashes at its end; the root is "/". */
Str mas_path(Arena *arena, Str path);

/* Find the shard of a normal path. No shard is no error: out->code is empty then. ERR_DB, ERR_BUSY. */
bool mas_shard_find(Mas *mas, Arena *arena, Str path, MasShard *out, Err *err) ATTR_MUST_USE;

/* The shard was not what mas_shard_find() said: ask anew. */
void mas_shard_forget(Mas *mas);

/* Datasets of these sizes occur in it as well. */
void mas_shard_note_sizes(Mas *mas, const MasShard *shard, uint32_t sizes);

/* A connection to the shard, of a reader or the owner. ERR_DB, ERR_BUSY. */
bool mas_take(Mas *mas, const MasShard *shard, PoolLease *out, Err *err) ATTR_MUST_USE;
/* ERR_DB, ERR_BUSY. */
bool mas_take_writer(Mas *mas, const MasShard *shard, PoolLease *out, Err *err) ATTR_MUST_USE;

/*
 * Ask about a path in its shard. `ask` is called once with a connection, and again after the shard turned out
 * to be another one by now; *moved is how it says so. Without a shard it is not called, and *found is false.
 * Fails as `ask`, and with ERR_DB, ERR_BUSY.
 */
typedef bool MasAsk(Mas *mas, Db *db, const MasShard *shard, void *ctx, bool *moved, Err *err);
bool mas_ask(Mas *mas, Arena *arena, Str path, MasAsk *ask, void *ctx, bool *found, Err *err) ATTR_MUST_USE;

/* A path in its shard; path and hash are given. */
typedef struct MasPlace {
    Str path;
    PathHash hash;
    bool exists; /* as a directory */
    bool is_root;
    int64_t below; /* datasets */
    bool kept;     /* its coverage */
    bool named;    /* datasets with names lie right in it */
} MasPlace;

/* ERR_DB. */
bool mas_place_read(Db *db, const MasShard *shard, MasPlace *place, bool *moved, Err *err) ATTR_MUST_USE;
DbArg mas_hash_arg(const PathHash *hash); /* points to it */

/* A time in any form that PostgreSQL reads, microseconds. ERR_USAGE. */
bool mas_time(Db *db, Str text, Instant *out, Err *err) ATTR_MUST_USE;

/* ---- coordinate systems ---- */

/* catalog.srs.sr_wkt as a JSON string, for answers: "null" for id 0. It stays as long as `mas`. ERR_DB, ERR_BUSY. */
bool mas_system_text(Mas *mas, int id, Str *out, Err *err) ATTR_MUST_USE;

/* A coordinate system by the name that requests use. ERR_DB. */
typedef struct MasSystem {
    Str authority;
    int code, srid; /* srid 0: there is no such system */
    Str wkt, proj4;
} MasSystem;
bool mas_system_find(Mas *mas, Arena *arena, Db *db, Str authority, int code, MasSystem *out,
                     Err *err) ATTR_MUST_USE;

/* Readers of shapes and transforms for one thread; given back at the end of the block. */
typedef struct MasTools {
    Arena arena;
    GeometryReader *geometry;
    struct MasToolsSystem *systems;
    int count;
    struct MasTools *next;
} MasTools;

MasTools *mas_tools_take(Mas *mas);
void mas_tools_give(Mas *mas, MasTools *tools);
FootprintSystem *mas_tools_system(MasTools *tools, int srid, Str wkt, Str proj4);

#endif
