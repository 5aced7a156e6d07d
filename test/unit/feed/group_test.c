/* SPDX-License-Identifier: Apache-2.0 */
/* Many threads append to one feed: each append is there in one piece, where it was told, and few syncs were needed. */
#include "feed/group.h"

#include <pthread.h>
#include <string.h>

#include "base/os.h"
#include "test/check.h"

enum { THREADS = 16, APPENDS = 40 };

static char dir[] = "/tmp/strata-group-XXXXXX";
static SignPair pair;
static FeedIdentity identity;

typedef struct Writer {
    Group *group;
    int number;
    pthread_t thread;
    uint64_t first[APPENDS];
    bool ok[APPENDS];
} Writer;

static Str text(Arena *arena, int writer, int append, int block)
{
    return str_printf(arena, "writer %d append %d block %d", writer, append, block);
}

static void *append_all(void *writer_v)
{
    Writer *writer = writer_v;

    for (int i = 0; i < APPENDS; i++) {
        ARENA_SCOPE(arena);
        Str blocks[3];
        size_t count = 1 + (size_t)i % 3;
        Err err = {0};

        for (size_t b = 0; b < count; b++)
            blocks[b] = text(&arena, writer->number, i, (int)b);
        writer->ok[i] = group_append(writer->group, blocks, count, &writer->first[i], &err);
    }
    return NULL;
}

static void every_append_is_there_in_one_piece(void)
{
    ARENA_SCOPE(arena);
    static Writer writers[THREADS];
    BUF_SCOPE(bytes);
    Feed *feed;
    uint64_t total = 0, first_bad;
    Err err = {0};
    const char *path = str_printf(&arena, "%s/feed", dir).ptr;

    CHECK(feed_create(&arena, path, &identity, NULL, &feed, &err));
    Group *group = group_new(feed, &pair, NULL);
    for (int w = 0; w < THREADS; w++) {
        writers[w] = (Writer){.group = group, .number = w};
        CHECK(pthread_create(&writers[w].thread, NULL, append_all, &writers[w]) == 0);
    }
    for (int w = 0; w < THREADS; w++)
        CHECK(pthread_join(writers[w].thread, NULL) == 0);
    group_free(group);
    for (int w = 0; w < THREADS; w++)
        for (int i = 0; i < APPENDS; i++)
            for (int b = 0; b < 1 + i % 3; b++, total++)
                CHECK(writers[w].ok[i] && feed_get(feed, writers[w].first[i] + (uint64_t)b, &bytes, &err) &&
                      str_eq(buf_str(&bytes), text(&arena, w, i, b)));
    CHECK(feed_state(feed)->roots.length == total && feed_verify(feed, NULL, &first_bad, &err));
    feed_close(feed);
    CHECK(os_remove_tree(path, &err));
}

static void what_is_wrong_by_itself_harms_nobody(void)
{
    ARENA_SCOPE(arena);
    Feed *feed;
    uint64_t first = 99;
    Err err = {0};
    const char *path = str_printf(&arena, "%s/feed", dir).ptr;
    char *large = calloc(1, (size_t)FEED_BLOCK_MAX + 1);
    Str blocks[] = {{large, (size_t)FEED_BLOCK_MAX + 1}, STR("small")};

    CHECK(feed_create(&arena, path, &identity, NULL, &feed, &err));
    Group *group = group_new(feed, &pair, NULL);
    CHECK(!group_append(group, blocks, 2, &first, &err) && err.code == ERR_LIMIT);
    err = (Err){0};
    CHECK(group_append(group, blocks + 1, 1, &first, &err) && first == 0);
    group_free(group);
    feed_close(feed);
    free(large);
    CHECK(os_remove_tree(path, &err));
}

int main(void)
{
    unsigned char seed[SIGN_SEED_BYTES];
    Err err = {0};

    memset(seed, 3, sizeof seed);
    sign_pair_from_seed(seed, &pair);
    feed_identity_new(pair.public_key, &identity);
    CHECK(mkdtemp(dir) != NULL);
    RUN(every_append_is_there_in_one_piece);
    RUN(what_is_wrong_by_itself_harms_nobody);
    CHECK(os_remove_tree(dir, &err));
    DONE();
}
