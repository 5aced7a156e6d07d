/* SPDX-License-Identifier: Apache-2.0 */
/* feed/meta_file -- the file of feeds' metadata: frames of entries, one writer at a time (docs/format/meta.md); for meta.c only */
#ifndef FEED_META_FILE_H
#define FEED_META_FILE_H

#include <sys/types.h>

#include "feed/meta_data.h"

struct Meta {
    const char *path, *dir;
    int fd; /* -1: there is no file yet */
    uint64_t generation;
    off_t end; /* behind the last frame that is there whole */
    MetaData data;
    int held; /* the lock, during a change; else -1 */
    Buf batch;
    uint32_t batch_entries;
};

#endif
