/* SPDX-License-Identifier: Apache-2.0 */
/* place/metadata -- what is said about a dataset: words by keys, the same on all its servers */
#ifndef PLACE_METADATA_H
#define PLACE_METADATA_H

#include "place/change.h"

/* Say it on all servers. ERR_DB. */
bool metadata_put(Change *change, const char *key, Str value, Err *err) ATTR_MUST_USE;

/* *out: empty where nothing is said. ERR_DB. */
bool metadata_get(Db *db, Arena *arena, const char *key, Str *out, Err *err) ATTR_MUST_USE;

#endif
