/* SPDX-License-Identifier: Apache-2.0 */
/* dsn -- what to connect to a server of the call's instance with */
#ifndef CLI_DSN_H
#define CLI_DSN_H

#include "cli/cmd.h"
#include "serve/instance.h"

typedef struct DsnWish {
    Str server;         /* NULL: that of the service database */
    Str database, user; /* NULL: the server's usual ones */
} DsnWish;

typedef struct DsnFound {
    Instance *instance;
    InstanceServer *server;
    const char *text; /* as libpq takes it */
} DsnFound;

/* ERR_NOT_FOUND and ERR_CONFIG: there is no such instance, or server, or its configuration is wrong. */
bool dsn_find(const Call *call, const DsnWish *wish, DsnFound *out, Err *err) ATTR_MUST_USE;

#endif
