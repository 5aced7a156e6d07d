/* SPDX-License-Identifier: Apache-2.0 */
/* sql -- a query that was compiled in from a .sql file */
#ifndef BASE_SQL_H
#define BASE_SQL_H

typedef struct Sql {
    const char *name; /* the file's stem; also the name it is prepared under */
    int params;       /* $1 .. $params */
    const char *text;
} Sql;

#endif
