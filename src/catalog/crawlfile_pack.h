/* SPDX-License-Identifier: Apache-2.0 */
/* crawlfile_pack -- one batch as a compressed file of its own; several one after another are one again */
#ifndef CATALOG_CRAWLFILE_PACK_H
#define CATALOG_CRAWLFILE_PACK_H

#include "base/buf.h"

typedef enum CrawlPack { CRAWLFILE_PLAIN, CRAWLFILE_GZIP, CRAWLFILE_ZSTD } CrawlPack;

/* By the end of the file's name. */
CrawlPack crawlfile_pack_of(Str path);

/*
 * Append `piece` (less than 4 GiB) as a gzip member or a zstd frame; nothing for plain.
 *
 * ERR_IO  the library refused
 */
bool crawlfile_pack(CrawlPack pack, Str piece, Buf *out, Err *err) ATTR_MUST_USE;

#endif
