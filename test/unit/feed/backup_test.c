/* SPDX-License-Identifier: Apache-2.0 */
/* Feeds to a file and back: whole and sparse ones, of any fork; and every byte of the file that is wrong. */
#include "feed/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/os.h"
#include "test/check.h"

static char top[] = "/tmp/strata-backup-XXXXXX", dir[64], file[64], feed_path[64];
static SignPair pair;
static FeedIdentity identity;

static Str block(uint64_t number, char *bytes, size_t size)
{
    int len = snprintf(bytes, size, "%llu %*s", (unsigned long long)number, (int)(number * 37 % 90), "x");

    return (Str){bytes, (size_t)len};
}

static Feed *make(Arena *arena, uint64_t count)
{
    Feed *feed = NULL;
    Err err = {0};

    CHECK(feed_create(arena, feed_path, &identity, NULL, &feed, &err));
    Str *blocks = arena_new(arena, Str, count + 1);
    for (uint64_t i = 0; i < count; i++) {
        char bytes[200];

        blocks[i] = str_copy(arena, block(i, bytes, sizeof bytes));
    }
    CHECK(feed_append(feed, &pair, blocks, count, FEED_BUFFERED, &err));
    return feed;
}

static bool write_backup(Feed *feed, Err *err)
{
    FD_SCOPE(fd);

    fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    return backup_write(feed, &(BackupNote){.name = STR("notes"), .created = 5}, fd, NULL, err);
}

static bool restore(Arena *arena, FeedStore *store, Err *err)
{
    BackupIn *in;
    FD_SCOPE(fd);

    fd = open(file, O_RDONLY);
    return backup_open(arena, fd, &in, err) && backup_restore(store, in, backup_note(in)->name, NULL, err);
}

static bool is_same(Feed *a, Feed *b)
{
    bool same = feed_state(a)->roots.length == feed_state(b)->roots.length &&
                feed_state(a)->held == feed_state(b)->held && feed_state(a)->fork == feed_state(b)->fork;
    Err err = {0};

    for (uint64_t i = 0; same && i < feed_state(a)->roots.length; i++) {
        bool held_a, held_b;
        char bytes[200];
        BUF_SCOPE(got);

        same =
            feed_holds(a, i, &held_a, &err) && feed_holds(b, i, &held_b, &err) && held_a == held_b &&
            (!held_b || (feed_get(b, i, &got, &err) && str_eq(buf_str(&got), block(i, bytes, sizeof bytes))));
    }
    return same;
}

static void clean(void)
{
    Err err = {0};

    CHECK(os_remove_tree(dir, &err) && os_remove_tree(feed_path, &err) && os_remove_tree(file, &err));
}

/* What comes back is the feed, also when its log is read again from the beginning. */
static void check_there_and_back(Feed *feed)
{
    ARENA_SCOPE(arena);
    FeedStore *store = store_open(&arena, dir, NULL);
    bool unconfirmed = false;
    uint64_t bad;
    Feed *back;
    Err err = {0};

    CHECK(write_backup(feed, &err));
    if (!restore(&arena, store, &err)) {
        printf("# %s\n", err.text);
        CHECK(false);
        return;
    }
    CHECK(store_is_unconfirmed(store, identity.key, &unconfirmed, &err) && unconfirmed);
    CHECK(store_feed(store, identity.key, FEED_READ, &back, &err));
    CHECK(is_same(feed, back) && feed_verify(back, NULL, &bad, &err));
    store_release(store, back);
    const char *path = store_path(store, &arena, identity.key);
    CHECK(unlink(str_printf(&arena, "%s/head", path).ptr) == 0);
    CHECK(unlink(str_printf(&arena, "%s/tree", path).ptr) == 0);
    CHECK(feed_open(&arena, path, FEED_WRITE, NULL, &back, &err));
    CHECK(is_same(feed, back) && feed_verify(back, NULL, &bad, &err));
    CHECK(feed_append(back, &pair, &STR("more"), 1, FEED_DURABLE, &err) &&
          feed_verify(back, NULL, &bad, &err));
    feed_close(back);
    CHECK(!restore(&arena, store, &err) && err.code == ERR_CONFLICT);
    CHECK(os_remove_tree(dir, &err));
}

static void a_feed_of_any_length_comes_back(void)
{
    static const uint64_t lengths[] = {0, 1, 2, 3, 7, 8, 100, 20000};

    for (size_t i = 0; i < COUNT_OF(lengths); i++) {
        ARENA_SCOPE(arena);
        Feed *feed = make(&arena, lengths[i]);

        check_there_and_back(feed);
        feed_close(feed);
        clean();
    }
}

static void a_sparse_feed_of_a_later_fork_comes_back(void)
{
    static const struct {
        uint64_t first, end;
    } cleared[] = {{0, 1}, {5, 6}, {8, 16}, {17, 19}, {20, 31}, {0, 31}};
    ARENA_SCOPE(arena);
    Feed *feed = make(&arena, 50);
    uint64_t count;
    Err err = {0};

    CHECK(feed_truncate(feed, &pair, 31, FEED_BUFFERED, &err));
    check_there_and_back(feed);
    for (size_t i = 0; i < COUNT_OF(cleared); i++) {
        CHECK(feed_clear(feed, cleared[i].first, cleared[i].end, &count, &err));
        check_there_and_back(feed);
    }
    CHECK(feed_truncate(feed, &pair, 0, FEED_BUFFERED, &err));
    check_there_and_back(feed);
    feed_close(feed);
    clean();
}

static void what_is_said_of_an_encrypted_feed_comes_back(void)
{
    ARENA_SCOPE(arena);
    Feed *feed = make(&arena, 3);
    FeedStore *store = store_open(&arena, dir, NULL);
    BackupNote note = {.name = STR("diary"), .sealed = STR("one"), .encrypted = true, .reading = STR("two")};
    StoreFeed about = {0};
    BackupIn *in;
    FD_SCOPE(written);
    FD_SCOPE(fd);
    Err err = {0};

    written = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    CHECK(backup_write(feed, &note, written, NULL, &err));
    feed_close(feed);
    fd = open(file, O_RDONLY);
    CHECK(backup_open(&arena, fd, &in, &err) && backup_note(in)->encrypted &&
          str_eq(backup_note(in)->sealed, note.sealed) && str_eq(backup_note(in)->reading, note.reading));
    CHECK(backup_restore(store, in, note.name, NULL, &err) &&
          store_about(store, &arena, identity.key, &about, &err) && about.about.flags == META_ENCRYPTED);
    clean();
}

static void no_damaged_or_shortened_backup_becomes_a_feed(void)
{
    ARENA_SCOPE(arena);
    Feed *feed = make(&arena, 9);
    BUF_SCOPE(good);
    uint64_t count;
    Err err = {0};

    CHECK(feed_clear(feed, 2, 6, &count, &err) && write_backup(feed, &err) &&
          os_read_file(file, 1 << 20, &good, &err));
    feed_close(feed);
    for (size_t at = 0; at < 2 * good.len; at += 7) {
        ARENA_SCOPE(scratch);
        FeedStore *store = store_open(&scratch, dir, NULL);
        StoreFeed *feeds;
        bool cut = at >= good.len;
        FD_SCOPE(fd);

        fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        if (!cut)
            good.ptr[at] ^= 1;
        CHECK(os_write_all(fd, str_sub(buf_str(&good), 0, cut ? at - good.len : good.len), &err));
        if (!cut)
            good.ptr[at] ^= 1;
        bool ok = restore(&scratch, store, &err);
        CHECK(!ok && (err.code == ERR_CORRUPT || err.code == ERR_LIMIT));
        if (ok)
            printf("# byte %zu%s\n", at, cut ? " is the last" : "");
        CHECK(store_list(store, &scratch, &feeds, &count, &err) && count == 0);
    }
    clean();
}

static bool stop_soon(void *ctx, uint64_t blocks)
{
    (void)ctx;
    return blocks < 1000;
}

static void who_is_interrupted_or_fails_leaves_nothing(void)
{
    ARENA_SCOPE(arena);
    Feed *feed = make(&arena, 2000);
    FeedStore *store = store_open(&arena, dir, NULL);
    BackupIn *in;
    FD_SCOPE(fd);
    StoreFeed *feeds;
    size_t count;
    Err err = {0};

    CHECK(write_backup(feed, &err));
    feed_close(feed);
    fd = open(file, O_RDONLY);
    CHECK(backup_open(&arena, fd, &in, &err));
    CHECK(!backup_restore(store, in, STR("x"), &(BackupGo){stop_soon, NULL}, &err) &&
          err.code == ERR_INTERRUPTED);
    CHECK(store_list(store, &arena, &feeds, &count, &err) && count == 0);
    FOR_EACH_FAULT(ENOSPC) {
        ARENA_SCOPE(scratch);
        FeedStore *again = store_open(&scratch, dir, NULL);
        bool ok = restore(&scratch, again, &err), failed = fault_fired();

        fault_arm(0, 0);
        CHECK(ok || failed);
        CHECK(store_list(again, &scratch, &feeds, &count, &err) && count == (size_t)ok);
        CHECK(!ok || store_remove(again, identity.key, &err));
    }
    clean();
}

int main(void)
{
    Err err = {0};

    CHECK(mkdtemp(top) != NULL);
    (void)snprintf(dir, sizeof dir, "%s/feeds", top);
    (void)snprintf(file, sizeof file, "%s/file", top);
    (void)snprintf(feed_path, sizeof feed_path, "%s/feed", top);
    sign_pair_new(&pair);
    feed_identity_new(pair.public_key, &identity);
    RUN(a_feed_of_any_length_comes_back);
    RUN(a_sparse_feed_of_a_later_fork_comes_back);
    RUN(what_is_said_of_an_encrypted_feed_comes_back);
    RUN(no_damaged_or_shortened_backup_becomes_a_feed);
    RUN(who_is_interrupted_or_fails_leaves_nothing);
    CHECK(os_remove_tree(top, &err));
    DONE();
}
