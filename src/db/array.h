/* SPDX-License-Identifier: Apache-2.0 */
/*
 * array -- the text form of PostgreSQL's arrays, for arguments: begin with an empty Buf, put elements, end
 *
 *     BUF_SCOPE(names);
 *     array_put_text(&names, STR("a"));
 *     db_run(db, &sql_x, DB_ARGS(DB_TEXT(array_end(&names))), NULL, err)
 */
#ifndef DB_ARRAY_H
#define DB_ARRAY_H

#include "base/buf.h"

void array_put_text(Buf *array, Str text);
void array_put_int(Buf *array, int64_t value);
void array_put_real(Buf *array, double value); /* no NaN */
void array_put_bool(Buf *array, bool value);
void array_put_null(Buf *array);
void array_put_uuid(Buf *array, const unsigned char bytes[16]);

/* The array, which takes no more elements until it is reset. Valid as long as `array` is. */
Str array_end(Buf *array);

#endif
