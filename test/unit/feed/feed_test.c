/* SPDX-License-Identifier: Apache-2.0 */
/* A feed beside a model, which is the blocks in an array; and what npm hypercore signs for the same blocks. */
#include "feed/feed.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/os.h"
#include "base/time.h"
#include "test/unit/feed/vectors.h"

enum { SEGMENT = 2000, MOST = 4000 };

static char dir[] = "/tmp/strata-feed-XXXXXX", path[64];
static const FeedOptions options = {.segment_bytes = SEGMENT};
static SignPair pair;
static FeedIdentity identity;

static void clean(void)
{
    Err err = {0};

    CHECK(os_remove_tree(path, &err));
}

/* Block `number` of every model: its length and bytes follow from its number and the fork in which it was appended. */
static uint64_t forks[MOST];

static Str block(uint64_t number)
{
    static char bytes[500];
    uint64_t fork = number < MOST ? forks[number] : 0;
    size_t len = (size_t)((number * 37 + fork * 11) % sizeof bytes);

    for (size_t i = 0; i < len; i++)
        bytes[i] = (char)(number + i * 3 + fork * 7);
    return (Str){bytes, len};
}

static bool append(Feed *feed, uint64_t count, FeedCare care, Err *err)
{
    ARENA_SCOPE(arena);
    Str *blocks = arena_new(&arena, Str, count + 1);

    for (uint64_t i = 0; i < count; i++)
        blocks[i] = str_copy(&arena, block(feed_state(feed)->roots.length + i));
    return feed_append(feed, &pair, blocks, count, care, err);
}

/* Whether the feed has just the first `length` blocks of the model, whoever opens it. */
static bool is_model(uint64_t length)
{
    ARENA_SCOPE(arena);
    BUF_SCOPE(bytes);
    Err err = {0};
    Feed *feed;
    uint64_t first_bad;

    if (!feed_open(&arena, path, FEED_READ, &options, &feed, &err)) {
        printf("# %s\n", err.text);
        return false;
    }
    bool ok = feed_state(feed)->roots.length == length && feed_state(feed)->held == length &&
              feed_verify(feed, NULL, &first_bad, &err);
    for (uint64_t i = 0; ok && i < length; i++)
        ok = feed_get(feed, i, &bytes, &err) && str_eq(buf_str(&bytes), block(i));
    if (!ok)
        printf("# length %llu, not %llu; %s\n", (unsigned long long)feed_state(feed)->roots.length,
               (unsigned long long)length, err.text);
    ok = ok && !feed_get(feed, length, &bytes, &err) && err.code == ERR_NOT_FOUND;
    feed_close(feed);
    return ok;
}

static void the_vectors_signatures_come_out(void)
{
    struct json_object *blocks = vector_at("merkle>blocks");
    static const char *const expected[] = {"signable>sig_compat(64B)", "signable>sig_manifest_wire(68B)"};

    for (int kind = 0; kind < 2; kind++) {
        ARENA_SCOPE(arena);
        FeedIdentity who;
        Err err = {0};
        Feed *feed;

        (kind ? feed_identity_new : feed_identity_compat)(pair.public_key, &who);
        CHECK(feed_create(&arena, path, &who, NULL, &feed, &err));
        for (size_t i = 0; i < json_object_array_length(blocks); i++) {
            Str one = str_from_z(json_object_get_string(json_object_array_get_idx(blocks, i)));

            CHECK(feed_append(feed, &pair, &one, 1, FEED_BUFFERED, &err));
        }
        const FeedState *state = feed_state(feed);
        CHECK(state->roots.bytes == 10 && vector_is(expected[kind], state->signature, state->signature_len));
        feed_close(feed);
        clean();
    }
}

static void what_is_appended_is_there_however_it_is_opened(void)
{
    ARENA_SCOPE(arena);
    Err err = {0};
    Feed *feed;
    uint64_t length = 0;

    CHECK(feed_create(&arena, path, &identity, &options, &feed, &err) && is_model(0));
    for (uint64_t round = 0; round < 40; round++) {
        uint64_t count = round * 7 % 23;

        CHECK(append(feed, count, round % 3 ? FEED_BUFFERED : FEED_DURABLE, &err));
        length += count;
        CHECK(is_model(length));
        if (round % 6 == 5) {
            feed_close(feed);
            CHECK(is_model(length) && feed_open(&arena, path, FEED_WRITE, &options, &feed, &err));
        }
    }
    feed_close(feed);
    CHECK(!feed_create(&arena, path, &identity, &options, &feed, &err) && err.code == ERR_CONFLICT);
    clean();
    CHECK(!feed_open(&arena, path, FEED_READ, &options, &feed, &err) && err.code == ERR_NOT_FOUND);
}

static void only_one_writes_and_only_the_signer(void)
{
    ARENA_SCOPE(arena);
    SIGN_SCOPE(other);
    Err err = {0};
    Feed *feed, *again;
    Str one = STR("block");

    sign_pair_new(&other);
    CHECK(feed_create(&arena, path, &identity, &options, &feed, &err));
    CHECK(!feed_open(&arena, path, FEED_WRITE, &options, &again, &err) && err.code == ERR_BUSY);
    CHECK(!feed_append(feed, &other, &one, 1, FEED_BUFFERED, &err) && err.code == ERR_USAGE);
    CHECK(feed_open(&arena, path, FEED_READ, &options, &again, &err));
    CHECK(!feed_append(again, &pair, &one, 1, FEED_BUFFERED, &err) && err.code == ERR_USAGE);
    feed_close(again);
    CHECK(append(feed, 3, FEED_BUFFERED, &err));
    feed_close(feed);
    CHECK(is_model(3));
    clean();
}

static void remove_file(const char *name)
{
    ARENA_SCOPE(arena);

    CHECK(unlink(str_printf(&arena, "%s/%s", path, name).ptr) == 0);
}

static void lose_tree(void)
{
    remove_file("tree");
    remove_file("head");
}

static void what_is_truncated_is_gone_and_the_next_fork_goes_on(void)
{
    ARENA_SCOPE(arena);
    Err err = {0};
    Feed *feed;
    uint64_t length = 0, random = 1;

    CHECK(feed_create(&arena, path, &identity, &options, &feed, &err));
    for (uint64_t fork = 0; fork < 30; fork++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        uint64_t more = random >> 40 & 63;
        for (uint64_t i = length; i < length + more; i++)
            forks[i] = fork;
        CHECK(append(feed, more, FEED_BUFFERED, &err) && is_model(length += more));
        if (fork % 4 == 1) {
            feed_close(feed);
            CHECK(feed_open(&arena, path, FEED_WRITE, &options, &feed, &err));
        }
        length = (random >> 20) % (length + 1);
        CHECK(feed_truncate(feed, &pair, length, FEED_BUFFERED, &err) && is_model(length));
        CHECK(feed_state(feed)->fork == fork + 1);
        if (fork % 5 == 2)
            CHECK(feed_sync(feed, &err) && is_model(length));
    }
    CHECK(!feed_truncate(feed, &pair, length + 1, FEED_BUFFERED, &err) && err.code == ERR_USAGE);
    feed_close(feed);
    lose_tree();
    CHECK(is_model(length));
    memset(forks, 0, sizeof forks);
    clean();
}

/* ---- failures ---- */

static void every_failed_call_leaves_all_of_a_batch_or_nothing(void)
{
    int failures = 0;

    FOR_EACH_FAULT(EIO) {
        ARENA_SCOPE(arena);
        Err err = {0};
        Feed *feed;
        int nth = fault_n;

        fault_arm(0, 0);
        CHECK(feed_create(&arena, path, &identity, &options, &feed, &err) &&
              append(feed, 5, FEED_BUFFERED, &err));
        feed_close(feed);
        fault_arm(nth, EIO);
        uint64_t length = 5;
        if (feed_open(&arena, path, FEED_WRITE, &options, &feed, &err)) {
            for (int i = 0; i < 3; i++)
                length += append(feed, 9, FEED_DURABLE, &err) ? 9 : 0;
            feed_close(feed);
        }
        bool failed = fault_fired();
        fault_arm(0, 0);
        CHECK(is_model(length) && (length == 32 || failed));
        CHECK(feed_open(&arena, path, FEED_WRITE, &options, &feed, &err) &&
              append(feed, 2, FEED_DURABLE, &err));
        feed_close(feed);
        CHECK(is_model(length + 2));
        clean();
        failures += failed;
    }
    CHECK(failures > 30);
}

static void a_feed_that_cannot_be_made_leaves_nothing(void)
{
    FOR_EACH_FAULT(ENOSPC) {
        ARENA_SCOPE(arena);
        Err err = {0};
        Feed *feed;

        bool ok = feed_create(&arena, path, &identity, &options, &feed, &err);
        bool failed = fault_fired();
        fault_arm(0, 0);
        CHECK(ok || failed); /* without the boot id it goes on */
        if (ok)
            feed_close(feed);
        CHECK(ok ? is_model(0) : access(path, F_OK) < 0);
        clean();
    }
}

/* A process that appends until it is killed, and tells of every batch that is done. */
static void append_for_ever(int tell)
{
    ARENA_SCOPE(arena);
    Err err = {0};
    Feed *feed;

    if (!feed_open(&arena, path, FEED_WRITE, &options, &feed, &err))
        _exit(1);
    for (uint64_t count = 1;; count = count % 11 + 1) {
        if (!append(feed, count, count % 4 ? FEED_BUFFERED : FEED_DURABLE, &err))
            _exit(2);
        uint64_t length = feed_state(feed)->roots.length;
        if (write(tell, &length, sizeof length) != sizeof length)
            _exit(0);
    }
}

static void a_killed_writer_loses_nothing_that_it_told_of(void)
{
    ARENA_SCOPE(arena);
    Err err = {0};
    Feed *feed;
    uint64_t told = 0;

    CHECK(feed_create(&arena, path, &identity, &options, &feed, &err));
    feed_close(feed);
    for (int round = 0; round < 30 && told < MOST; round++) {
        int ends[2];

        CHECK(pipe(ends) == 0);
        pid_t child = fork();
        if (child == 0)
            append_for_ever(ends[1]);
        (void)close(ends[1]);
        time_sleep(MILLISECONDS(round));
        (void)kill(child, SIGKILL);
        (void)waitpid(child, NULL, 0);
        for (uint64_t length; read(ends[0], &length, sizeof length) == sizeof length;)
            told = length;
        (void)close(ends[0]);
        CHECK(feed_open(&arena, path, FEED_READ, &options, &feed, &err));
        uint64_t length = feed_state(feed)->roots.length;
        feed_close(feed);
        CHECK(length >= told && length <= told + 11 && is_model(length));
        told = length;
    }
    CHECK(told > 0);
    clean();
}

/* ---- what a machine that ends leaves: the log, and any of the rest ---- */

static void put_zeros(const char *name, off_t from, size_t len)
{
    ARENA_SCOPE(arena);
    FD_SCOPE(fd);

    fd = open(str_printf(&arena, "%s/%s", path, name).ptr, O_WRONLY);
    CHECK(fd >= 0 && pwrite(fd, arena_new(&arena, char, len), len, from) == (ssize_t)len);
}

static void lose_head(void)
{
    remove_file("head");
}

/* As if it had started anew: slots that were not synced do not count; the bits are those of then, or not. */
static void lose_what_is_not_synced(void)
{
    put_zeros("head", 8192, 8192);
}

static void lose_tree_alone(void)
{
    remove_file("tree");
}

static void lose_end_of_tree(void)
{
    ARENA_SCOPE(arena);

    CHECK(truncate(str_printf(&arena, "%s/tree", path).ptr, 1000) == 0);
}

static void the_rest_is_made_from_the_log(void)
{
    static void (*const losses[])(void) = {lose_tree, lose_head, lose_tree_alone, lose_end_of_tree,
                                           lose_what_is_not_synced};

    for (size_t i = 0; i < COUNT_OF(losses); i++) {
        ARENA_SCOPE(arena);
        Err err = {0};
        Feed *feed;

        CHECK(feed_create(&arena, path, &identity, &options, &feed, &err) &&
              append(feed, 20, FEED_BUFFERED, &err));
        CHECK(feed_sync(feed, &err) && append(feed, 30, FEED_DURABLE, &err));
        feed_close(feed);
        losses[i]();
        CHECK(is_model(50));
        CHECK(feed_open(&arena, path, FEED_WRITE, &options, &feed, &err) &&
              append(feed, 3, FEED_BUFFERED, &err));
        feed_close(feed);
        CHECK(is_model(53));
        clean();
    }
}

static void a_leaf_that_the_tree_has_lost_is_found(void)
{
    ARENA_SCOPE(arena);
    Err err = {0};
    Feed *feed;
    uint64_t first_bad;

    CHECK(feed_create(&arena, path, &identity, NULL, &feed, &err) && append(feed, 20, FEED_BUFFERED, &err));
    feed_close(feed);
    put_zeros("tree", (off_t)48 * 2 * 7, 48);
    CHECK(feed_open(&arena, path, FEED_READ, NULL, &feed, &err));
    CHECK(!feed_verify(feed, NULL, &first_bad, &err) && err.code == ERR_CORRUPT && first_bad == 7);
    feed_close(feed);
    remove_file("tree");
    CHECK(is_model(20));
    clean();
}

static void a_block_that_was_turned_is_found(void)
{
    ARENA_SCOPE(arena);
    Err err = {0};
    Feed *feed;
    uint64_t first_bad;
    BUF_SCOPE(bytes);

    CHECK(feed_create(&arena, path, &identity, NULL, &feed, &err) && append(feed, 20, FEED_BUFFERED, &err));
    feed_close(feed);
    put_zeros("00000000.log", 1800, 1);
    CHECK(feed_open(&arena, path, FEED_READ, NULL, &feed, &err));
    CHECK(!feed_verify(feed, NULL, &first_bad, &err) && err.code == ERR_CORRUPT);
    CHECK(first_bad > 0 && first_bad < 19 && !feed_get(feed, first_bad, &bytes, &err) &&
          err.code == ERR_CORRUPT);
    CHECK(feed_get(feed, first_bad - 1, &bytes, &err) && feed_get(feed, first_bad + 1, &bytes, &err));
    feed_close(feed);
    clean();
}

int main(void)
{
    unsigned char seed[SIGN_SEED_BYTES];

    memset(seed, 1, sizeof seed);
    sign_pair_from_seed(seed, &pair);
    feed_identity_new(pair.public_key, &identity);
    CHECK(mkdtemp(dir) != NULL);
    (void)snprintf(path, sizeof path, "%s/feed", dir);

    RUN(the_vectors_signatures_come_out);
    RUN(what_is_appended_is_there_however_it_is_opened);
    RUN(only_one_writes_and_only_the_signer);
    RUN(what_is_truncated_is_gone_and_the_next_fork_goes_on);
    RUN(every_failed_call_leaves_all_of_a_batch_or_nothing);
    RUN(a_feed_that_cannot_be_made_leaves_nothing);
    RUN(a_killed_writer_loses_nothing_that_it_told_of);
    RUN(the_rest_is_made_from_the_log);
    RUN(a_leaf_that_the_tree_has_lost_is_found);
    RUN(a_block_that_was_turned_is_found);
    (void)rmdir(dir);
    DONE();
}
