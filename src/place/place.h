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
    int64_t weight;   /* PLACE_BY_WEIGHT: how much of the work it gets beside others; 0 is 1 */
    bool backup;      /* asked only where no other server can be */
    bool local;       /* on this machine */
} PlaceServer;

/* Which of several active copies is asked. */
typedef enum PlaceRoute {
    PLACE_BY_LEAST,  /* on a server whose connection is in the middle of nothing, the least used of those */
    PLACE_BY_WEIGHT, /* the least used in relation to its weight */
    PLACE_BY_LOCAL,  /* on this machine where there is one, then as PLACE_BY_LEAST */
} PlaceRoute;

typedef struct PlaceSpec {
    const char *dataset; /* in messages */
    const PlaceServer *servers;
    size_t count;
    PlaceRoute route;
    Duration deadline; /* of its connections: db_set_deadline(); 0: 30 s */
} PlaceSpec;

typedef enum PlaceHealth {
    PLACE_GOOD,    /* it answered last, or was not asked yet */
    PLACE_SUSPECT, /* a connection to it was lost, or was silent for too long */
    PLACE_DOWN, /* it could not be connected to; where another server will do it is left alone for a while, longer each time */
} PlaceHealth;

typedef struct Place Place;

/*
 * Read the mapping from the first server that can be reached. Connections are closed when `arena` goes; the names and
 * connection strings have to stay as long.
 *
 * ERR_DB         no server can be reached; the message has what the last one said
 * ERR_NOT_FOUND  those that can be reached do not have the dataset
 */
bool place_open(Arena *arena, const PlaceSpec *spec, Place **out, Err *err) ATTR_MUST_USE;

/* The same without a mapping, for who knows the servers that he wants: nothing is connected yet, and there are no tables. */
Place *place_new(Arena *arena, const PlaceSpec *spec);

bool place_lists(const PlaceSpec *spec, Str server);             /* it is one of the dataset's servers */
bool place_find(const PlaceSpec *spec, Str server, size_t *out); /* the same, with its place in the list */
Str place_list(const PlaceSpec *spec, Arena *arena);             /* "n1,n2,n3" */

const PlaceSpec *place_spec(const Place *place);
const Mapping *place_mapping(const Place *place);

/* Read the mapping again. As place_open(). */
bool place_refresh(Place *place, Err *err) ATTR_MUST_USE;

/*
 * A connection to a server that has an active copy of the table, by the rules of the spec: first those that are not down, and that are no backups;
 * the first that answers. It is the Place's, and shared by all tables of that server.
 *
 * ERR_NOT_FOUND  the dataset has no such table
 * ERR_DB         no server with an active copy can be reached, or the mapping knows none of their names
 */
bool place_db(Place *place, Str table, Db **out, Err *err) ATTR_MUST_USE;

/*
 * What a connection needs before it is used: settings, temporary tables. Run on every connection that the Place makes, after a server went away as
 * well, and on those that it has now. A hook that fails makes the connection fail. ERR_DB, and what the hook says.
 */
typedef bool PlaceHook(void *ctx, Db *db, Err *err);
bool place_add_hook(Place *place, PlaceHook *hook, void *ctx, Err *err) ATTR_MUST_USE;

/* Close all connections; they are made again when they are needed. */
void place_restart(Place *place);

/*
 * Run something on a connection to a server that has an active copy of the table; when the connection is lost on the way, again on the next
 * one that has, until all were tried. Errors as place_db() (ERR_DB, ERR_NOT_FOUND), and what `use` says.
 */
typedef bool PlaceUse(void *ctx, Str table, Db *db, Err *err);
bool place_with(Place *place, Str table, PlaceUse *use, void *ctx, Err *err) ATTR_MUST_USE;

/* The same for every table, each once, whatever its copies; until one fails. Errors as place_with(): ERR_DB ... */
bool place_each(Place *place, PlaceUse *use, void *ctx, Err *err) ATTR_MUST_USE;

/* The same on every server: what each says is in `whys`, one for each (ERR_DB ...). False when one failed; the others were asked all the same. */
bool place_all(Place *place, bool (*use)(void *ctx, const char *server, Db *db, Err *err), void *ctx,
               Err *whys);

PlaceHealth place_health(const Place *place, size_t server);
const char *place_health_name(PlaceHealth health); /* "good", "suspect", "down" */

/* As place_db(), for who connects by other means: which server it is, by its place in the list. ERR_NOT_FOUND, ERR_DB. */
bool place_route(Place *place, Str table, size_t *out, Err *err) ATTR_MUST_USE;

/* A connection to any server, for system tables; by turns. ERR_DB: none can be reached. */
bool place_any(Place *place, Db **out, Err *err) ATTR_MUST_USE;

/* A connection to the server at that place in the list. As db_open(), with the server's name. */
bool place_server(Place *place, size_t server, Db **out, Err *err) ATTR_MUST_USE;

/* A server's mapping beside the newest that any of them has. */
typedef enum PlaceAgreement {
    PLACE_AGREES,
    PLACE_BEHIND,  /* it missed a change */
    PLACE_DIFFERS, /* it was changed alone */
    PLACE_DAMAGED, /* its rows are not those that it noted */
    PLACE_MISSING, /* it does not have the dataset's system tables */
    PLACE_UNKNOWN, /* it cannot be reached */
} PlaceAgreement;

/* What a server says of the mapping. */
typedef struct PlaceReport {
    const char *server;
    bool reached, there; /* there: it has the dataset's system tables */
    PlaceHealth health;
    PlaceAgreement agreement;
    MappingVersion version;
    Err why; /* when it was not reached, or they are not there */
} PlaceReport;

/* Ask every server: one report each, in the order of the servers. */
PlaceReport *place_reports(Place *place, Arena *arena);

/* "ok", "behind", "differs", "damaged", "missing", "down" */
const char *place_agreement_name(PlaceAgreement agreement);

#endif
