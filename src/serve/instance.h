/* SPDX-License-Identifier: Apache-2.0 */
/*
 * instance -- the directory that holds everything of one Strata
 *
 *     strata.ini      configuration; mode 0600, because a connection string may hold a password
 *     keys/           secret keys; mode 0700
 *     log/            strata.log of the service, pg-NAME/ of each embedded server
 *     pg/NAME/        the embedded server NAME: db/cluster.h
 *     run/            what is true only now: serve/presence.h, the sockets of embedded servers
 *
 * An Instance is what the configuration said when it was opened. It may be read by several threads; its clusters
 * belong to one.
 */
#ifndef SERVE_INSTANCE_H
#define SERVE_INSTANCE_H

#include "db/cluster.h"
#include "db/db.h"
#include "db/migrate.h"
#include "serve/sections.h"

typedef struct Instance Instance;

enum { INSTANCE_SERVERS_MAX = 64, INSTANCE_NAME_MAX = 32 };

/*
 * Make an instance at `dir` with one embedded server, `local`, and its cluster.
 *
 * ERR_CONFLICT  there is one, or the directory holds something else
 * ERR_DENIED    PostgreSQL's account could not get to it
 * ERR_CONFIG    PostgreSQL is not installed
 * ERR_IO, ERR_DB  it could not be made; a second try can succeed
 */
bool instance_make(const char *dir, const ConfSet *set, Err *err) ATTR_MUST_USE;

/*
 * Open the instance at `dir`.
 *
 * ERR_NOT_FOUND  there is none
 * ERR_CONFIG     its strata.ini is wrong
 * ERR_DENIED     it is somebody else's
 */
bool instance_open(Arena *arena, const char *dir, const ConfSet *set, Instance **out, Err *err) ATTR_MUST_USE;

/* The same with another file in the place of its strata.ini, to see whether that would do. ERR_NOT_FOUND, ERR_CONFIG, ERR_DENIED. */
bool instance_open_with(Arena *arena, const char *dir, const char *file, const ConfSet *set, Instance **out,
                        Err *err) ATTR_MUST_USE;

/*
 * What no single key tells: do the servers exist that others name, could PostgreSQL and the HTTP service start with
 * this? Calls `wrong` for everything that is not so.
 */
void instance_check(const Instance *instance, void (*wrong)(void *ctx, const Err *err), void *ctx);

const char *instance_path(const Instance *instance); /* absolute, links resolved */
const Conf *instance_conf(const Instance *instance);

/* A path inside the instance, or `name` itself when it is absolute; NULL for an empty name. */
const char *instance_below(const Instance *instance, Arena *arena, Str name);

/* ---- servers ---- */

typedef struct InstanceServer {
    const char *name;
    const char *dsn;  /* of the configuration; NULL when embedded */
    Cluster *cluster; /* NULL when not embedded, or when no PostgreSQL is found for it */
    Err why;          /* the reason for the latter */
} InstanceServer;

size_t instance_servers(const Instance *instance, InstanceServer **out);

/* ERR_NOT_FOUND: the configuration has no such server; ERR_CONFIG: it is embedded and has no PostgreSQL. */
bool instance_find_server(const Instance *instance, Str name, InstanceServer **out, Err *err) ATTR_MUST_USE;

/*
 * What to connect to a server with.
 *
 * database  NULL: what the connection string says, `postgres` for embedded servers
 * user      NULL: likewise; the superuser for embedded servers
 *
 * ERR_CONFIG  the connection string in the configuration cannot be read
 */
bool instance_dsn(const InstanceServer *server, Arena *arena, const char *database, const char *user,
                  const char **out, Err *err) ATTR_MUST_USE;

/* The one that [database] names. ERR_CONFIG: it is not there, or is embedded and has no PostgreSQL. */
bool instance_service_server(const Instance *instance, InstanceServer **out, Err *err) ATTR_MUST_USE;

/* The database that people mean who name none: the service database on its server, else NULL. */
const char *instance_default_database(const Instance *instance, const InstanceServer *server);

/* ERR_DB with a hint when an embedded server does not run. */
bool instance_check_up(const Instance *instance, const InstanceServer *server, Err *err) ATTR_MUST_USE;

/* What servers and datasets may be called. */
bool instance_is_name(Str name);

/*
 * Append a section to strata.ini, after `check` has seen what the file said just before.
 *
 * any     from `check`
 * ERR_IO  nothing has changed
 */
typedef bool InstanceBefore(void *ctx, const Conf *before, Err *err);
bool instance_add_section(const Instance *instance, const ConfSet *set, Str section, InstanceBefore *check,
                          void *ctx, Err *err) ATTR_MUST_USE;

/*
 * Put `lines`, which begin with a key, in the place of that key and its value in a section of strata.ini: "[dataset mini]".
 *
 * ERR_NOT_FOUND  the file has no such section with that key
 * ERR_CONFIG     it would be wrong then
 * ERR_IO         nothing has changed
 */
bool instance_replace_key(const Instance *instance, const ConfSet *set, Str section, Str key, Str lines,
                          Err *err) ATTR_MUST_USE;

/* Could such a server be added? Nothing is connected to. ERR_USAGE, ERR_CONFLICT, ERR_LIMIT: instance_add_server(). */
bool instance_check_server(const Instance *instance, Str name, Str dsn, Err *err) ATTR_MUST_USE;

/*
 * Write a server into strata.ini. It takes effect with the next start.
 *
 * dsn  "embedded" or a connection string
 *
 * ERR_USAGE     the name or the connection string is not one
 * ERR_CONFLICT  there is a server of that name
 * ERR_LIMIT     there are INSTANCE_SERVERS_MAX
 */
bool instance_add_server(const Instance *instance, const ConfSet *set, Str name, Str dsn,
                         Err *err) ATTR_MUST_USE;

/* ---- the service database ---- */

DatabaseSpec instance_database(const Instance *instance);

typedef enum InstanceRole { INSTANCE_OWNER, INSTANCE_READER } InstanceRole;

/*
 * What to connect to the service database with, as its owner or as the role that only reads.
 *
 * ERR_CONFIG  the server is not there, is embedded and has no PostgreSQL, or its connection string cannot be read
 */
bool instance_database_dsn(const Instance *instance, Arena *arena, InstanceRole role, const char **out,
                           Err *err) ATTR_MUST_USE;

/*
 * A connection to the service database, for a command. An instance that is down is not started for it: what
 * started it would have to stop it again, under the feet of others who came meanwhile.
 *
 * ERR_DB      the instance is down (the hint says so), or the server cannot be reached
 * ERR_CONFIG  as instance_database_dsn()
 */
bool instance_connect(const Instance *instance, Arena *arena, InstanceRole role, Db **out,
                      Err *err) ATTR_MUST_USE;

#endif
