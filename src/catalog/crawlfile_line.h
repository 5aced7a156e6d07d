/* SPDX-License-Identifier: Apache-2.0 */
/* crawlfile_line -- one line of a crawl file as it is read: path TAB type TAB JSON, each checked */
#ifndef CATALOG_CRAWLFILE_LINE_H
#define CATALOG_CRAWLFILE_LINE_H

#include "base/str.h"

typedef struct CrawlfileLine {
    int64_t number; /* the reader's */
    Str path;       /* text of pathname.h, normal, within the root */
    Str type;       /* md_type, 1 to 100 bytes of UTF-8 */
    Str json;       /* trimmed, not checked yet */
} CrawlfileLine;

/*
 * Take a line without its newline apart; what is changed of the path is in the arena, the rest points into `text`.
 * Paths that another program wrote without our escapes get them. out->path is set before anything is refused.
 *
 * ERR_USAGE  not three fields, or the path or the type is none
 */
bool crawlfile_line_read(Arena *arena, Str text, Str root, CrawlfileLine *out, Err *err) ATTR_MUST_USE;

#endif
