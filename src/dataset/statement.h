/* SPDX-License-Identifier: Apache-2.0 */
/* dataset/statement -- SQL that a user wrote for any table, made for one */
#ifndef DATASET_STATEMENT_H
#define DATASET_STATEMENT_H

#include "base/buf.h"

/* What the marks in the SQL stand for. NULL: such a mark is not allowed here. */
typedef struct StatementMarks {
    Str table;         /* {table}: its name; has to be there */
    const char *range; /* {range}: a condition */
    const char *box;   /* {box}: likewise */
} StatementMarks;

/* The SQL with its marks replaced. ERR_USAGE: {table} is not there, or a mark that nothing is given for. */
bool statement_put(Buf *out, Str sql, const StatementMarks *marks, Err *err) ATTR_MUST_USE;

bool statement_has(Str sql, const char *mark);

void statement_put_quoted(Buf *out, Str name); /* a name as SQL wants it */
void statement_put_csv(Buf *out, Str name);    /* a field of CSV as PostgreSQL's COPY writes it */

#endif
