/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever byte of a feed is another one, verify says so, and where. */
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/bytes.h"
#include "base/os.h"
#include "feed/proof.h"
#include "test/unit/feed/blocks.h"

/* Of so many bytes one is flipped, and so many steps a busy writer makes: with sanitizers all of it takes ten minutes. */
#ifdef __SANITIZE_ADDRESS__
enum { EACH = 53, LONG = 60 };
#else
enum { EACH = 1, LONG = 300 };
#endif
enum { SEGMENT = 1500, SLOTS_END = 16384, ENTRY = 48 };

static char dir[] = "/tmp/strata-verify-XXXXXX";
static const FeedOptions options = {.segment_bytes = SEGMENT};
static SignPair pair;
static FeedIdentity identity;

static const char *path_of(Arena *arena, const char *name)
{
    return str_printf(arena, "%s/%s", dir, name).ptr;
}

/* ---- feeds with records of all kinds ---- */

static Feed *new_feed(Arena *arena, const char *name, bool copy)
{
    FeedIdentity who;
    Err err = {0};
    Feed *feed = NULL;

    feed_identity_of_key(identity.key, &who);
    CHECK(feed_create(arena, path_of(arena, name), copy ? &who : &identity, &options, &feed, &err));
    return feed;
}

/* Truncated once, and over several segments. */
static Feed *own_feed(Arena *arena, const char *name)
{
    Feed *feed = new_feed(arena, name, false);
    Err err = {0};

    for (int i = 0; i < 6; i++)
        append_blocks(feed, &pair, 5, 1);
    CHECK(feed_truncate(feed, &pair, 21, FEED_BUFFERED, &err));
    append_blocks(feed, &pair, 19, 2);
    return feed;
}

static void take(Feed *from, Feed *to, FeedRequest what)
{
    ARENA_SCOPE(arena);
    FeedProof proof;
    FeedTaken taken;
    Err err = {0};

    what.fork = feed_state(from)->fork;
    if (what.part == FEED_PART_BLOCK)
        CHECK(feed_missing_nodes(to, 2 * what.index, &what.nodes, &err));
    CHECK(feed_prove(from, &arena, &what, &proof, &err));
    bool ok = proof.fork > feed_state(to)->fork ? feed_take_fork(to, &proof, (FeedNodeList){0}, &taken, &err)
                                                : feed_take(to, &proof, &taken, &err);
    CHECK(ok && feed_keep(to, FEED_BUFFERED, &err));
    if (err.code)
        printf("# %s\n", err.text);
}

static void take_head(Feed *from, Feed *to)
{
    uint64_t start = feed_state(from)->fork == feed_state(to)->fork ? feed_state(to)->roots.length : 0;

    take(from, to,
         (FeedRequest){.upgrade = true,
                       .start = start,
                       .length = feed_state(from)->roots.length - start,
                       .manifest = start == 0});
}

/* Of a feed that grew and was truncated meanwhile, and some blocks only. */
static Feed *sparse_copy(Arena *arena, const char *name)
{
    Feed *from = new_feed(arena, "from", false), *copy = new_feed(arena, name, true);
    Err err = {0};

    append_blocks(from, &pair, 13, 1);
    take_head(from, copy);
    for (uint64_t i = 2; i < 13; i += 3)
        take(from, copy, (FeedRequest){.part = FEED_PART_BLOCK, .index = i});
    append_blocks(from, &pair, 8, 1);
    take_head(from, copy);
    take(from, copy, (FeedRequest){.part = FEED_PART_BLOCK, .index = 20});
    CHECK(feed_truncate(from, &pair, 11, FEED_BUFFERED, &err));
    append_blocks(from, &pair, 15, 2);
    take_head(from, copy);
    for (uint64_t i = 3; i < 26; i += 5)
        take(from, copy, (FeedRequest){.part = FEED_PART_BLOCK, .index = i});
    feed_close(from);
    return copy;
}

static Feed *cleared_feed(Arena *arena, const char *name)
{
    Feed *feed = own_feed(arena, name);
    uint64_t cleared;
    Err err = {0};

    CHECK(feed_clear(feed, 4, 9, &cleared, &err) && feed_clear(feed, 24, 31, &cleared, &err));
    append_blocks(feed, &pair, 4, 3);
    return feed;
}

static Feed *empty_feed(Arena *arena, const char *name)
{
    return new_feed(arena, name, false);
}

/* ---- flipping ---- */

typedef struct Scene {
    const char *name;
    Feed *(*make)(Arena *arena, const char *name);
    FeedState state; /* as it was made */
    size_t flips, unseen;
} Scene;

/* What verify says: ERR_NONE when it finds nothing wrong. */
static ErrCode verify(Scene *scene, FeedState *state, FeedDamage *damage, Err *err)
{
    ARENA_SCOPE(arena);
    uint64_t first_bad;
    Feed *feed;

    *damage = (FeedDamage){.block = FEED_NO_BLOCK};
    if (!feed_open(&arena, path_of(&arena, scene->name), FEED_READ, &options, &feed, err))
        return err->code;
    bool ok = feed_verify(feed, &(FeedVerify){.damage = damage}, &first_bad, err);
    *state = *feed_state(feed);
    CHECK((first_bad < state->roots.length) == (damage->block != FEED_NO_BLOCK) && (!ok || !damage->file[0]));
    feed_close(feed);
    return ok ? ERR_NONE : err->code;
}

static bool same_state(const FeedState *a, const FeedState *b)
{
    return a->roots.length == b->roots.length && a->held == b->held && a->fork == b->fork &&
           a->applied == b->applied && a->chain == b->chain && a->signature_len == b->signature_len &&
           memcmp(a->signature, b->signature, a->signature_len) == 0 &&
           memcmp(&a->identity, &b->identity, sizeof a->identity) == 0;
}

/* docs/format/feed.md, "What verify reads" */
static bool may_be_unseen(const Scene *scene, const char *file, Str bytes, size_t at)
{
    static const char none[ENTRY];

    if (strcmp(file, "head") ==
        0) /* another slot counts, or the log; and bits of blocks that the feed has not */
        return at < SLOTS_END || 8 * (at - SLOTS_END) + 8 > scene->state.roots.length;
    if (strcmp(file, "tree") == 0) { /* a node that is not known, and one that stands alone */
        size_t entry = at / ENTRY * ENTRY;

        bool is_place = at % ENTRY >= 8 && at % ENTRY < 16 && entry / ENTRY % 2 == 0;

        return memcmp(bytes.ptr + entry, none, ENTRY) == 0 || scene->make == sparse_copy ||
               (is_place && scene->make == cleared_feed); /* of a block that is not held */
    }
    return false;
}

static void flip(Scene *scene, const char *file, const char *path, Str bytes, size_t at)
{
    char changed = (char)(bytes.ptr[at] ^ 1 << at % 8);
    Err err = {0}, ignored = {0};
    FeedState state = {0};
    FeedDamage damage;
    FD_SCOPE(fd);

    fd = os_open(path, O_WRONLY, 0);
    CHECK(os_pwrite_all(fd, (Str){&changed, 1}, (off_t)at, &ignored));
    ErrCode code = verify(scene, &state, &damage, &err);
    CHECK(os_pwrite_all(fd, (Str){bytes.ptr + at, 1}, (off_t)at, &ignored));
    scene->flips++;
    bool seen = code == ERR_CORRUPT || code == ERR_LIMIT;
    scene->unseen += !seen;
    bool ok =
        seen ? strstr(err.text, file) != NULL || strstr(err.text, "head of the feed")
             : code == ERR_NONE && may_be_unseen(scene, file, bytes, at) && same_state(&state, &scene->state);
    /* A whole log is read up to the place that is bad; elsewhere what shows the damage may be beside it. */
    if (seen && strstr(file, ".log") && damage.file[0])
        ok &= strcmp(damage.file, file) == 0 && damage.offset <= at && at - damage.offset < 600;
    CHECK(ok);
    if (!ok)
        printf("# %s: %s at %zu: %d %s (%s at %llu)\n", scene->name, file, at, (int)code, err.text,
               damage.file, (unsigned long long)damage.offset);
}

/* False: there is no such file. */
static bool flip_file(Scene *scene, const char *file)
{
    ARENA_SCOPE(arena);
    BUF_SCOPE(bytes);
    const char *path = str_printf(&arena, "%s/%s", path_of(&arena, scene->name), file).ptr;
    Err err = {0};

    if (!os_read_file(path, 1 << 24, &bytes, &err)) {
        CHECK(err.code == ERR_NOT_FOUND);
        return false;
    }
    bool head = strcmp(file, "head") == 0;
    for (size_t at = chance(EACH); at < bytes.len; at += EACH) {
        if (head && at < SLOTS_END && at % 4096 > 400 && at % 397 != 0)
            continue; /* zeros under one check */
        flip(scene, file, path, buf_str(&bytes), at);
    }
    return true;
}

static void every_byte_that_is_another_one_is_seen(void)
{
    static const char *const files[] = {"tree", "head", "floor"};
    Scene scenes[] = {
        {"own", own_feed}, {"sparse", sparse_copy}, {"cleared", cleared_feed}, {"empty", empty_feed}};

    for (size_t i = 0; i < COUNT_OF(scenes); i++) {
        ARENA_SCOPE(arena);
        Scene *scene = &scenes[i];
        FeedDamage damage;
        Err err = {0};

        feed_close(scene->make(&arena, scene->name));
        CHECK(verify(scene, &scene->state, &damage, &err) == ERR_NONE);
        if (err.code)
            printf("# %s: %s\n", scene->name, err.text);
        unsigned segment = 0;
        while (flip_file(scene, str_printf(&arena, "%08x.log", segment).ptr))
            segment++;
        CHECK(segment > (scene->make == own_feed ? 2 : 0));
        for (size_t f = 0; f < COUNT_OF(files); f++)
            (void)flip_file(scene, files[f]);
        printf("# %s: %zu flips, %zu not seen\n", scene->name, scene->flips, scene->unseen);
    }
}

/* A file that is gone, or has lost its end, is found as well. */
static void what_is_missing_is_seen(void)
{
    static const char *const files[] = {"00000000.log", "00000001.log"};

    for (size_t f = 0; f < COUNT_OF(files); f++)
        for (int cut = 0; cut < 2; cut++) {
            ARENA_SCOPE(arena);
            Scene scene = {.name = str_printf(&arena, "missing%zu%d", f, cut).ptr, .make = own_feed};
            FeedDamage damage;
            Err err = {0};

            feed_close(own_feed(&arena, scene.name));
            const char *path = str_printf(&arena, "%s/%s", path_of(&arena, scene.name), files[f]).ptr;
            CHECK(cut ? truncate(path, 300) == 0 : unlink(path) == 0);
            CHECK(verify(&scene, &scene.state, &damage, &err) == ERR_CORRUPT && strstr(err.text, files[f]));
            CHECK(damage.block != FEED_NO_BLOCK);
        }
}

/* Neither what was cleared nor what was appended since the reader opened the feed is damage. */
static void a_writer_that_goes_on_is_no_damage(void)
{
    ARENA_SCOPE(arena);
    Feed *feed = own_feed(&arena, "busy"), *reader = NULL;
    uint64_t cleared, first_bad;
    FeedDamage damage;
    Err err = {0};

    for (int i = 0; i < 4; i++) {
        CHECK(feed_open(&arena, path_of(&arena, "busy"), FEED_READ, &options, &reader, &err));
        if (i % 2)
            CHECK(feed_truncate(feed, &pair, 30 - 5 * (uint64_t)i, FEED_BUFFERED, &err));
        else
            CHECK(feed_clear(feed, 2 + 4 * (uint64_t)i, 9 + 4 * (uint64_t)i, &cleared, &err) && cleared > 0);
        append_blocks(feed, &pair, 10, 9);
        CHECK(feed_verify(reader, &(FeedVerify){.damage = &damage}, &first_bad, &err));
        CHECK(first_bad == feed_state(reader)->roots.length);
        feed_close(reader);
        CHECK(feed_verify(feed, NULL, &first_bad, &err));
    }
    feed_close(feed);
}

static bool go_on_for_long(const char *name, bool copy)
{
    ARENA_SCOPE(arena);
    Feed *from = NULL, *feed = NULL;
    uint64_t cleared;
    Err err = {0};
    bool ok = feed_open(&arena, path_of(&arena, name), FEED_WRITE, &options, &feed, &err) &&
              (!copy || feed_open(&arena, path_of(&arena, "source"), FEED_READ, &options, &from, &err));

    for (int i = 0; ok && i < LONG; i++) {
        uint64_t length = feed_state(feed)->roots.length, first = chance(length);

        if (copy)
            take(from, feed, (FeedRequest){.part = FEED_PART_BLOCK, .index = first});
        else
            append_blocks(feed, &pair, 1 + chance(5), 4);
        if (i % 20 == 9)
            ok = feed_clear(feed, first, first + chance(length - first), &cleared, &err);
        if (!copy && i % 50 == 49)
            ok = feed_truncate(feed, &pair, length - chance(20), FEED_BUFFERED, &err);
    }
    if (!ok)
        printf("# writer: %s\n", err.text);
    feed_close(feed);
    return ok;
}

/* However busy it is, in another process. */
static void a_feed_is_whole_beside_a_busy_writer(void)
{
    static const char *const names[] = {"busy-own", "busy-copy"};

    for (int copy = 0; copy < 2; copy++) {
        ARENA_SCOPE(arena);
        Feed *from = new_feed(&arena, copy ? "source" : names[0], false);
        Feed *feed = copy ? new_feed(&arena, names[1], true) : from;
        int status = 1, whole = 0, busy = 0;
        Err err = {0};

        append_blocks(from, &pair, 300, 4);
        if (copy) {
            take_head(from, feed);
            feed_close(feed);
        }
        feed_close(from);
        pid_t child = fork();
        if (child == 0)
            _exit(!go_on_for_long(names[copy], copy));
        while (waitpid(child, &status, WNOHANG) == 0) {
            ARENA_SCOPE(scratch);
            uint64_t first_bad;

            err = (Err){0};
            if (!feed_open(&scratch, path_of(&scratch, names[copy]), FEED_READ, &options, &feed, &err))
                continue; /* between two segments: feed/refresh_test.c */
            bool ok = feed_verify(feed, NULL, &first_bad, &err);
            CHECK(ok || err.code == ERR_BUSY);
            if (!ok && err.code != ERR_BUSY)
                printf("# %s: %s\n", names[copy], err.text);
            whole += ok;
            busy += !ok;
            feed_close(feed);
        }
        CHECK(status == 0 && whole > 0);
        printf("# %s: %d times whole, %d times too busy\n", names[copy], whole, busy);
    }
}

/* As if the slot had been written by a kernel that runs no more. */
static void another_kernel(int fd, int slot)
{
    enum { SLOT = 4096, BOOT_AT = 32 };
    char bytes[SLOT];
    size_t got;
    BUF_SCOPE(check);
    Err err = {0};

    CHECK(os_pread_all(fd, bytes, sizeof bytes, (off_t)slot * SLOT, &got, &err) && got == sizeof bytes);
    if (bytes_get(bytes, 8) == 0)
        return; /* never written */
    memset(bytes + BOOT_AT, 7, 16);
    bytes_put(&check, XXH3_64bits(bytes + 8, sizeof bytes - 8), 8);
    memcpy(bytes, check.ptr, 8);
    CHECK(os_pwrite_all(fd, (Str){bytes, sizeof bytes}, (off_t)slot * SLOT, &err));
}

/*
 * What is not synced may be on the disk or not when the machine stops: here tree and bits are, and the end of the log is not. What the log
 * has lost is not held, and can be had again.
 */
static void what_a_power_failure_took_from_the_log_is_not_held(void)
{
    ARENA_SCOPE(arena);
    Feed *from = new_feed(&arena, "powered", false), *copy = NULL;
    FeedIdentity who;
    const char *log = path_of(&arena, "failed/00000000.log"), *head = path_of(&arena, "failed/head");
    uint64_t first_bad;
    struct stat st;
    Err err = {0};

    feed_identity_of_key(identity.key, &who);
    CHECK(feed_create(&arena, path_of(&arena, "failed"), &who, NULL, &copy, &err)); /* one segment */
    append_blocks(from, &pair, 60, 1);
    take_head(from, copy);
    for (uint64_t i = 0; i < 5; i++)
        take(from, copy, (FeedRequest){.part = FEED_PART_BLOCK, .index = 7 * i});
    CHECK(feed_sync(copy, &err) && stat(log, &st) == 0);
    for (uint64_t i = 0; i < 3; i++)
        take(from, copy, (FeedRequest){.part = FEED_PART_BLOCK, .index = 40 + i});
    feed_close(copy);
    FD_SCOPE(fd);
    fd = os_open(head, O_RDWR, 0);
    for (int slot = 0; slot < 4; slot++)
        another_kernel(fd, slot);
    CHECK(truncate(log, st.st_size) == 0);
    for (int write = 0; write < 2; write++) {
        CHECK(
            feed_open(&arena, path_of(&arena, "failed"), write ? FEED_WRITE : FEED_READ, NULL, &copy, &err));
        for (uint64_t i = 0; i < 60; i++) {
            BUF_SCOPE(bytes);
            bool held = true;

            CHECK(feed_holds(copy, i, &held, &err) && held == (i % 7 == 0 && i < 35));
            CHECK(feed_get(copy, i, &bytes, &err) == held && (held || err.code == ERR_NOT_FOUND));
        }
        CHECK(feed_state(copy)->held == 5 && feed_verify(copy, NULL, &first_bad, &err));
        if (write)
            for (uint64_t i = 0; i < 60; i++)
                take(from, copy, (FeedRequest){.part = FEED_PART_BLOCK, .index = i});
        CHECK(feed_verify(copy, NULL, &first_bad, &err) && feed_state(copy)->held == (write ? 60 : 5));
        feed_close(copy);
    }
    feed_close(from);
}

/*
 * A copy follows to a newer fork and the machine stops: the fork is on the disk, and blocks that came behind it are lost, while tree and bits
 * have them. Where a disk lost what it said it had written, the log lacks the fork as well: then the tree is of a history that the
 * log does not know, and verify's hint helps, which makes it anew.
 */
static void a_newer_fork_is_whole_when_the_power_fails(void)
{
    for (int lost = 0; lost < 2; lost++) {
        ARENA_SCOPE(arena);
        const char *name = lost ? "lost" : "kept";
        const char *log = str_printf(&arena, "%s/%s/00000000.log", dir, name).ptr,
                   *head = str_printf(&arena, "%s/%s/head", dir, name).ptr,
                   *tree = str_printf(&arena, "%s/%s/tree", dir, name).ptr;
        Feed *from = new_feed(&arena, lost ? "from-lost" : "from-kept", false), *copy = NULL;
        FeedIdentity who;
        uint64_t first_bad;
        struct stat before, after;
        FD_SCOPE(fd);
        Err err = {0};

        feed_identity_of_key(identity.key, &who);
        CHECK(feed_create(&arena, path_of(&arena, name), &who, NULL, &copy, &err)); /* one segment */
        append_blocks(from, &pair, 60, 1);
        take_head(from, copy);
        for (uint64_t i = 0; i < 60; i++)
            take(from, copy, (FeedRequest){.part = FEED_PART_BLOCK, .index = i});
        CHECK(feed_sync(copy, &err) && stat(log, &before) == 0);
        CHECK(feed_truncate(from, &pair, 32, FEED_BUFFERED, &err));
        append_blocks(from, &pair, 20, 2);
        take_head(from, copy);
        CHECK(stat(log, &after) == 0 && after.st_size > before.st_size);
        for (uint64_t i = 35; i < 45; i++)
            take(from, copy, (FeedRequest){.part = FEED_PART_BLOCK, .index = i});
        feed_close(copy);
        fd = os_open(head, O_RDWR, 0);
        for (int slot = 0; slot < 4; slot++)
            another_kernel(fd, slot);
        CHECK(truncate(log, lost ? before.st_size : after.st_size) == 0);
        if (lost)
            CHECK(unlink(tree) == 0 && unlink(head) == 0);
        for (int write = 0; write < 2; write++) {
            CHECK(
                feed_open(&arena, path_of(&arena, name), write ? FEED_WRITE : FEED_READ, NULL, &copy, &err));
            const FeedState *state = feed_state(copy);

            CHECK(state->fork == (lost ? 0 : 1) && state->roots.length == (lost ? 60 : 52));
            CHECK(state->held == (lost ? 60 : 32) && feed_verify(copy, NULL, &first_bad, &err));
            for (uint64_t i = 0; i < state->roots.length; i++) {
                BUF_SCOPE(bytes);
                bool held;

                CHECK(feed_holds(copy, i, &held, &err) && feed_get(copy, i, &bytes, &err) == held);
            }
            if (write && lost)
                take_head(from, copy);
            for (uint64_t i = 32; write && i < 52; i++)
                take(from, copy, (FeedRequest){.part = FEED_PART_BLOCK, .index = i});
            CHECK(!write || (feed_verify(copy, NULL, &first_bad, &err) && state->held == 52));
            feed_close(copy);
        }
        feed_close(from);
    }
}

/* A copy that grows does not take a bit that was left behind its end for a block. */
static void bits_behind_the_end_count_for_nothing(void)
{
    char ones[64];
    ARENA_SCOPE(arena);
    Feed *from = new_feed(&arena, "longer", false), *copy = new_feed(&arena, "shorter", true);
    uint64_t first_bad;
    FD_SCOPE(fd);
    Err err = {0};

    memset(ones, 0xff, sizeof ones);
    append_blocks(from, &pair, 10, 1);
    take_head(from, copy);
    CHECK(feed_sync(copy, &err));
    feed_close(copy);
    fd = os_open(str_printf(&arena, "%s/shorter/head", dir).ptr, O_RDWR, 0);
    CHECK(os_pwrite_all(fd, (Str){ones, sizeof ones}, SLOTS_END + 2, &err));
    append_blocks(from, &pair, 100, 1);
    CHECK(feed_open(&arena, path_of(&arena, "shorter"), FEED_WRITE, &options, &copy, &err));
    take_head(from, copy);
    take(from, copy, (FeedRequest){.part = FEED_PART_BLOCK, .index = 60});
    for (uint64_t i = 16; i < 110; i++) {
        bool held = true;

        CHECK(feed_holds(copy, i, &held, &err) && held == (i == 60));
    }
    CHECK(feed_verify(copy, NULL, &first_bad, &err));
    feed_close(copy);
    feed_close(from);
}

int main(void)
{
    static const unsigned char start[SIGN_SEED_BYTES] = {5};
    Err err = {0};

    CHECK(mkdtemp(dir) != NULL);
    take_seed();
    sign_pair_from_seed(start, &pair);
    feed_identity_new(pair.public_key, &identity);
    RUN(every_byte_that_is_another_one_is_seen);
    RUN(what_is_missing_is_seen);
    RUN(a_writer_that_goes_on_is_no_damage);
    RUN(a_feed_is_whole_beside_a_busy_writer);
    RUN(what_a_power_failure_took_from_the_log_is_not_held);
    RUN(a_newer_fork_is_whole_when_the_power_fails);
    RUN(bits_behind_the_end_count_for_nothing);
    CHECK(os_remove_tree(dir, &err));
    DONE();
}
