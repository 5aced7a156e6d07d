/* SPDX-License-Identifier: Apache-2.0 */
/*
 * place -- a dataset's tables on its servers: which servers have a copy of which table, and connections to them
 *
 * The seed's DDatabaseInterface (tao-multiple-databases.rst). It is asked with the name of a table and gives a connection to a
 * server that has an active copy of it; it parses no SQL.
 *
 *     if (!place_open(arena, &spec, &place, err) || !place_db(place, STR("tree_1"), &db, err))
 *         return false;
 *     ... db_query(db, ...)
 *
 * A Place belongs to one thread at a time.
 */
#ifndef PLACE_PLACE_H
#define PLACE_PLACE_H

#include "db/db.h"
#include "place/mapping.h"

typedef struct PlaceServer {
    const char *name; /* as in [server NAME], and in the mapping */
    const char *dsn;  /* of the dataset's database there */
} PlaceServer;

typedef struct PlaceSpec {
    const char *dataset; /* in messages */
    const PlaceServer *servers;
    size_t count;
} PlaceSpec;

typedef struct Place Place;

/*
 * Read the mapping from the first server that can be reached. Connections are closed when `arena` goes; the names and
 * connection strings have to stay as long.
 *
 * ERR_DB         no server can be reached; the message has what the last one said
 * ERR_NOT_FOUND  those that can be reached do not have the dataset
 */
bool place_open(Arena *arena, const PlaceSpec *spec, Place **out, Err *err) ATTR_MUST_USE;

bool place_lists(const PlaceSpec *spec, Str server);             /* it is one of the dataset's servers */
bool place_find(const PlaceSpec *spec, Str server, size_t *out); /* the same, with its place in the list */
Str place_list(const PlaceSpec *spec, Arena *arena);             /* "n1,n2,n3" */

const PlaceSpec *place_spec(const Place *place);
const Mapping *place_mapping(const Place *place);

/* Read the mapping again. As place_open(). */
bool place_refresh(Place *place, Err *err) ATTR_MUST_USE;

/*
 * A connection to a server that has an active copy of the table: the one that answers first in the order of the least used. It is the
 * Place's, and shared by all tables of that server.
 *
 * ERR_NOT_FOUND  the dataset has no such table
 * ERR_DB         no server with an active copy can be reached, or the mapping knows none of their names
 */
bool place_db(Place *place, Str table, Db **out, Err *err) ATTR_MUST_USE;

/* A connection to any server, for system tables; by turns. ERR_DB: none can be reached. */
bool place_any(Place *place, Db **out, Err *err) ATTR_MUST_USE;

/* A connection to the server at that place in the list. As db_open(), with the server's name. */
bool place_server(Place *place, size_t server, Db **out, Err *err) ATTR_MUST_USE;

/* What a server says of the mapping. */
typedef struct PlaceReport {
    const char *server;
    bool reached, there; /* there: it has the dataset's system tables */
    MappingVersion version;
    Err why; /* when it was not reached, or they are not there */
} PlaceReport;

/* Ask every server: one report each, in the order of the servers. */
PlaceReport *place_reports(Place *place, Arena *arena);

#endif
