/* SPDX-License-Identifier: Apache-2.0 */
/* install -- where PostgreSQL's programs are on this machine, and of which version */
#ifndef DB_INSTALL_H
#define DB_INSTALL_H

#include "base/str.h"

enum { INSTALL_VERSION_MIN = 15 };

typedef struct Install {
    const char *bin; /* the directory of initdb and postgres */
    int version;     /* the major version */
} Install;

/*
 * Find the programs: in `bin`, or when that is NULL in Debian's /usr/lib/postgresql/N/bin (the newest that has
 * PostGIS, else the newest), or where pg_config says.
 *
 * version  the major version that a cluster already has, or 0 for any from INSTALL_VERSION_MIN
 *
 * ERR_CONFIG  there are none, or not of that version
 */
bool install_find(Arena *arena, const char *bin, int version, Install *out, Err *err) ATTR_MUST_USE;

#endif
