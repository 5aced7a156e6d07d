/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a backup of a feed: as the whole file; and, where the first byte is odd, as the items behind the head of a
 * feed that is really signed, with a right checksum. It is refused with a sentence and nothing is left, or the feed that
 * comes out of it is whole.
 */
#include <assert.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/os.h"
#include "feed/backup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BLOCKS = 7, CHECKSUM = 32, HEAD_FIXED = 8 + 4 + 4 + 3 * 32 + 3 * 8 + 8 + 4 + 4 + 4 + 4, NODE = 48 };

static char dir[] = "/dev/shm/strata-backup-fuzz-XXXXXX";
static Arena kept;
static FeedStore *store;
static Str head; /* of the backup of a feed of BLOCKS blocks, one of them cleared */

static void end(void)
{
    Err ignored = {0};

    arena_free(&kept);
    (void)!os_remove_tree(dir, &ignored);
}

/* The file in memory that a descriptor stands for. */
static Str content_of(Arena *arena, int fd)
{
    off_t len = lseek(fd, 0, SEEK_END);
    char *bytes = arena_new(arena, char, (size_t)len + 1);

    assert(len > 0 && pread(fd, bytes, (size_t)len, 0) == len);
    return (Str){bytes, (size_t)len};
}

static void make_head(void)
{
    static const unsigned char seed[SIGN_SEED_BYTES] = {1};
    const char *path = str_printf(&kept, "%s/feed", dir).ptr;
    Str blocks[BLOCKS];
    SIGN_SCOPE(pair);
    FeedIdentity who;
    uint64_t cleared;
    Feed *feed;
    FD_SCOPE(fd);
    Err err = {0};

    sign_pair_from_seed(seed, &pair);
    feed_identity_new(pair.public_key, &who);
    for (size_t i = 0; i < BLOCKS; i++)
        blocks[i] = str_printf(&kept, "block %zu", i);
    assert(feed_create(&kept, path, &who, NULL, &feed, &err));
    assert(feed_append(feed, &pair, blocks, BLOCKS, FEED_BUFFERED, &err) &&
           feed_clear(feed, 2, 3, &cleared, &err));
    fd = memfd_create("head", MFD_CLOEXEC);
    assert(backup_write(feed, &(BackupNote){0}, fd, NULL, &err));
    const FeedState *state = feed_state(feed);
    head = str_sub(content_of(&kept, fd), 0, HEAD_FIXED + state->signature_len + NODE * state->roots.count);
    feed_close(feed);
}

static void begin(void)
{
    if (!mkdtemp(dir))
        abort();
    (void)atexit(end);
    store = store_open(&kept, str_printf(&kept, "%s/store", dir).ptr, NULL);
    make_head();
}

static void put_file(int fd, Str items)
{
    unsigned char checksum[CHECKSUM];
    BUF_SCOPE(file);
    Err err = {0};

    if (items.len > 0 && items.ptr[0] % 2 == 1) {
        buf_put(&file, head);
        buf_put(&file, str_sub(items, 1, items.len));
        assert(EVP_Digest(file.ptr, file.len, checksum, NULL, EVP_sha256(), NULL) == 1);
        buf_put(&file, (Str){(const char *)checksum, sizeof checksum});
    } else if (items.len > 0) {
        buf_put(&file, str_sub(items, 1, items.len));
    }
    assert(os_write_all(fd, buf_str(&file), &err) && lseek(fd, 0, SEEK_SET) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ARENA_SCOPE(arena);
    FD_SCOPE(fd);
    BackupIn *in;
    StoreFeed *feeds;
    uint64_t first_bad;
    size_t count;
    Feed *feed;
    Err err = {0};

    if (!store)
        begin();
    fd = memfd_create("backup", MFD_CLOEXEC);
    put_file(fd, (Str){(const char *)data, size});
    bool ok = backup_open(&arena, fd, &in, &err) && backup_restore(store, in, STR("restored"), NULL, &err);
    Err ignored = {0};
    assert(store_list(store, &arena, &feeds, &count, &ignored) && count == ok);
    if (!ok) {
        assert(err.text[0] && (err.code == ERR_CORRUPT || err.code == ERR_LIMIT));
        return 0;
    }
    assert(store_feed(store, feeds[0].about.key, FEED_READ, &feed, &err) &&
           feed_verify(feed, NULL, &first_bad, &err));
    store_release(store, feed);
    assert(store_remove(store, feeds[0].about.key, &err));
    return 0;
}
