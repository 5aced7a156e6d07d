/* SPDX-License-Identifier: Apache-2.0 */
/* sql -- queries and scripts that were compiled in from .sql files by tools/sql2c.py */
#ifndef BASE_SQL_H
#define BASE_SQL_H

typedef struct Sql {
    const char *name; /* the file's stem; also the name it is prepared under */
    int params;       /* $1 .. $params */
    const char *text;
} Sql;

/* Several statements without parameters: a schema, a migration. */
typedef struct SqlScript {
    int number;         /* in front of the file's name, or 0 */
    const char *name;   /* the file's stem: "0001_entry" */
    const char *sha256; /* of the text, 64 lower-case hex digits */
    const char *text;
} SqlScript;

#endif
