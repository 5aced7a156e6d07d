/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http/gzip -- gzip (RFC 1952) at the speed of the network, by ISA-L's level 1
 *
 * A Gzip is some 200 KB; a few are kept for the next use. One belongs to one thread at a time.
 */
#ifndef HTTP_GZIP_H
#define HTTP_GZIP_H

#include "base/buf.h"

typedef struct Gzip Gzip;

typedef enum GzipFlush {
    GZIP_MORE, /* output comes when there is enough */
    GZIP_NOW,  /* everything put so far can be read by the other side */
    GZIP_END,  /* the last piece; nothing may follow */
} GzipFlush;

Gzip *gzip_new(void);
void gzip_free(Gzip *gzip);

/* Compress `in` and append what comes of it to `out`. */
void gzip_put(Gzip *gzip, Str in, GzipFlush flush, Buf *out);

#endif
