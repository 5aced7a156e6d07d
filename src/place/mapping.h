/* SPDX-License-Identifier: Apache-2.0 */
/*
 * place/mapping -- which servers have a copy of each table of a dataset: table_db_mapping in memory
 */
#ifndef PLACE_MAPPING_H
#define PLACE_MAPPING_H

#include "base/map.h"
#include "db/db.h"

typedef struct MappingCopy {
    Str server; /* its name; that it is a server of the dataset is not known here */
    bool active, primary;
} MappingCopy;

typedef struct MappingTable {
    Str name;
    MappingCopy *copies; /* by the names of the servers */
    size_t count;
} MappingTable;

/* Two servers that agree have the same. */
typedef struct MappingVersion {
    int64_t epoch; /* how often it was changed */
    Str checksum;  /* as it was noted with the last change */
    Str real;      /* of what is there: another one when rows were changed behind the triggers' back */
} MappingVersion;

typedef struct Mapping {
    MappingTable *tables; /* each once, by name */
    size_t count;
    MappingVersion version;
    Map by_name;
} Mapping;

/* ERR_DB; ERR_NOT_FOUND: the database has no system tables; ERR_CORRUPT: the mapping has no version. */
bool mapping_read(Db *db, Arena *arena, Mapping *out, Err *err) ATTR_MUST_USE;

/* Its version alone. ERR_DB, ERR_NOT_FOUND; ERR_CORRUPT: it has none. */
bool mapping_read_version(Db *db, Arena *arena, MappingVersion *out, Err *err) ATTR_MUST_USE;

const MappingTable *mapping_find(const Mapping *mapping, Str table); /* NULL: there is no such table */

/* The same change count and the same rows, as they are. */
bool mapping_same(const MappingVersion *a, const MappingVersion *b);

#endif
