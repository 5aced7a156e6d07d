/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crawlfile -- the writer of crawl files: records as lines of text, plain or compressed
 *
 * Format, docs/format/crawl-file.md:
 *
 *     path TAB type TAB json NEWLINE
 *
 * A name that ends in .gz or .zst is compressed, each batch by itself by the thread that adds it (both
 * formats let parts stand one after another), so several threads compress at once. The file appears under
 * its name when it is whole and on stable storage, or not at all; what is not an ordinary file, as a pipe, is
 * written as it comes, and so is the standard output, which is called `-` or /dev/stdout.
 */
#ifndef CATALOG_CRAWLFILE_H
#define CATALOG_CRAWLFILE_H

#include "catalog/posix.h"

typedef struct CrawlFile CrawlFile;

enum { CRAWLFILE_BATCH_BYTES = 512 * 1024 }; /* a good size of batches: compresses well, fits the cache */

/*
 * Begin a file; `path` is ended by a NUL. Without crawlfile_close() the arena's end takes away what was
 * written.
 *
 * ERR_IO  it cannot be made
 */
bool crawlfile_open(Arena *arena, const char *path, CrawlFile **out, Err *err) ATTR_MUST_USE;

/* Whether the records go where a program's own words go. */
bool crawlfile_is_standard_output(const char *path);

/*
 * Add a batch of whole lines. Lines of a batch stay together; batches of several threads come in any order.
 *
 * ERR_IO  it cannot be written; the file is lost
 */
bool crawlfile_add(CrawlFile *file, Str lines, Err *err) ATTR_MUST_USE;

/*
 * Make the file whole: all of it synced, under its name.
 *
 * ERR_IO  there is no new file
 */
bool crawlfile_close(CrawlFile *file, Err *err) ATTR_MUST_USE;

/* Put a line. Paths and names are text as in pathname.h; of a root directory `/` the name is empty. */
void crawlfile_put_posix(Buf *out, Str dir, Str name, const PosixFacts *facts);

/* `json` is one valid value; line breaks between its parts become blanks. `type` has no control bytes. */
void crawlfile_put_record(Buf *out, Str path, Str type, Str json);

/* `path` and all below it are gone; what was at `from` and below is at `path` now. */
void crawlfile_put_deleted(Buf *out, Str path);
void crawlfile_put_renamed(Buf *out, Str from, Str path);

#endif
