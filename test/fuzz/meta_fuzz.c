/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as metadata of feeds. As a file: it opens or is refused, and what opens takes a change. As the entries of one
 * frame whose check is right: what they say can be walked over and found.
 */
#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/os.h"
#include "feed/meta_data.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_entries(Str bytes)
{
    MetaData data = {0};
    ARENA_SCOPE(arena);
    Str entry, name, value;
    MetaSubscription subscription;
    MetaFeed feed;

    (void)!meta_data_apply(&data, str_copy(&data.arena, bytes)); /* what was before the wrong one is there */
    for (size_t at = 0; (entry = meta_data_next(&data, META_FEED, &at)).len;) {
        assert(meta_entry_feed(entry, &feed));
        Str discovery = {(const char *)feed.discovery, sizeof feed.discovery};
        assert(str_eq(meta_data_find(&data, META_FEED, meta_entry_key(META_FEED, entry)), entry));
        (void)meta_data_find_discovered(&data, discovery);
    }
    for (size_t at = 0; (entry = meta_data_next(&data, META_SUBSCRIPTION, &at)).len;)
        assert(meta_entry_subscription(entry, &arena, &subscription));
    for (size_t at = 0; (entry = meta_data_next(&data, META_PREFERENCE, &at)).len;)
        assert(meta_entry_preference(entry, &name, &value) &&
               str_eq(meta_data_find(&data, META_PREFERENCE, name), entry));
    meta_data_release(&data);
}

static char dir[] = "/tmp/strata-meta-fuzz-XXXXXX", path[64];

static void remove_dir(void)
{
    (void)unlink(path);
    (void)rmdir(dir);
}

static void read_file(Str bytes)
{
    ARENA_SCOPE(arena);
    FD_SCOPE(fd);
    Err err = {0};
    Meta *meta;
    Str value;

    if (!path[0]) {
        assert(mkdtemp(dir));
        (void)snprintf(path, sizeof path, "%s/meta", dir);
        (void)atexit(remove_dir);
    }
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert(fd >= 0 && write(fd, bytes.ptr, bytes.len) == (ssize_t)bytes.len);
    if (!meta_open(&arena, path, &meta, &err)) {
        assert(err.text[0] && (err.code == ERR_CORRUPT || err.code == ERR_LIMIT));
        return;
    }
    assert(meta_set(meta, STR("name"), STR("value"), &err) && meta_get(meta, STR("name"), &value) &&
           str_eq(value, STR("value")));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Str bytes = {(const char *)data, size};

    read_entries(bytes);
    if (size <= 4096)
        read_file(bytes);
    return 0;
}
