/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feed_bench -- one figure of feeds at a time, as a line of JSON; bench/feed/run puts them beside npm hypercore
 *
 *     feed_bench append DIR COUNT BYTES BATCH buffered|durable
 *     feed_bench group DIR COUNT BYTES THREADS              durable, each thread one by one
 *     feed_bench fsync DIR COUNT BYTES                      the floor of a durable append: write and fdatasync, nothing else
 *     feed_bench blake2b COUNT BYTES                        the floor of verify: two hashes for each block
 *     feed_bench verify DIR
 *     feed_bench open DIR
 *     feed_bench many DIR COUNT                             feeds in one store, each with a block; then all of them are read
 *     feed_bench serve DIR                                  prints address and key, until SIGTERM
 *     feed_bench pull DIR ADDRESS KEY native|hypercore
 */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/os.h"
#include "base/stop.h"
#include "base/time.h"
#include "feed/group.h"
#include "feed/share.h"
#include "feed/store.h"

static Err err;
static SignPair pair;
static FeedIdentity identity;

static void check(bool ok)
{
    if (ok)
        return;
    (void)fprintf(stderr, "feed_bench: %s\n", err.text);
    exit(1);
}

static double cpu_seconds(void)
{
    struct rusage use;

    (void)getrusage(RUSAGE_SELF, &use);
    return (double)use.ru_utime.tv_sec + (double)use.ru_stime.tv_sec +
           (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

static long rss_kb(void)
{
    struct rusage use;

    (void)getrusage(RUSAGE_SELF, &use);
    return use.ru_maxrss;
}

static void report(uint64_t blocks, Duration took, double cpu)
{
    printf("{\"blocks\":%" PRIu64 ",\"seconds\":%.6f,\"cpu\":%.6f,\"rss_kb\":%ld}\n", blocks,
           (double)took / 1e6, cpu, rss_kb());
}

static void make_keys(void)
{
    unsigned char seed[SIGN_SEED_BYTES];

    memset(seed, 7, sizeof seed);
    sign_pair_from_seed(seed, &pair);
    feed_identity_new(pair.public_key, &identity);
}

static Str *make_blocks(Arena *arena, size_t count, size_t len)
{
    Str *blocks = arena_new(arena, Str, count + 1);

    for (size_t i = 0; i < count; i++) {
        char *bytes = arena_new(arena, char, len + 8);

        memcpy(bytes, &i, sizeof i);
        blocks[i] = (Str){bytes, len};
    }
    return blocks;
}

static void append(const char *dir, size_t count, size_t len, size_t batch, bool durable)
{
    Arena arena = {0};
    Str *blocks = make_blocks(&arena, count, len);
    Feed *feed;

    check(feed_create(&arena, dir, &identity, NULL, &feed, &err));
    double cpu = cpu_seconds();
    Instant began = time_monotonic();
    for (size_t at = 0; at < count; at += batch)
        check(feed_append(feed, &pair, blocks + at, count - at < batch ? count - at : batch,
                          durable ? FEED_DURABLE : FEED_BUFFERED, &err));
    report(count, time_monotonic() - began, cpu_seconds() - cpu);
    feed_close(feed);
}

typedef struct Writer {
    pthread_t thread;
    Group *group;
    const Str *blocks;
    size_t count;
} Writer;

static void *write_all(void *writer_v)
{
    Writer *writer = writer_v;

    for (size_t i = 0; i < writer->count; i++) {
        uint64_t first;
        Err own = {0};

        if (!group_append(writer->group, writer->blocks + i, 1, &first, &own))
            abort();
    }
    return NULL;
}

static void group(const char *dir, size_t count, size_t len, size_t threads)
{
    Arena arena = {0};
    Str *blocks = make_blocks(&arena, count, len);
    Writer *writers = arena_new(&arena, Writer, threads);
    Feed *feed;

    check(feed_create(&arena, dir, &identity, NULL, &feed, &err));
    Group *all = group_new(feed, &pair, NULL);
    double cpu = cpu_seconds();
    Instant began = time_monotonic();
    for (size_t i = 0; i < threads; i++) {
        writers[i] =
            (Writer){.group = all, .blocks = blocks + i * (count / threads), .count = count / threads};
        check(pthread_create(&writers[i].thread, NULL, write_all, &writers[i]) == 0);
    }
    for (size_t i = 0; i < threads; i++)
        check(pthread_join(writers[i].thread, NULL) == 0);
    report(count / threads * threads, time_monotonic() - began, cpu_seconds() - cpu);
    group_free(all);
    feed_close(feed);
}

static void floor_of_sync(const char *path, size_t count, size_t len)
{
    Arena arena = {0};
    Str *blocks = make_blocks(&arena, count, len + 300); /* with what a commit adds */
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    double cpu = cpu_seconds();
    Instant began = time_monotonic();

    for (size_t i = 0; i < count; i++)
        if (write(fd, blocks[i].ptr, blocks[i].len) < 0 || fdatasync(fd) < 0)
            exit(1);
    report(count, time_monotonic() - began, cpu_seconds() - cpu);
    (void)close(fd);
}

static void floor_of_hashes(size_t count, size_t len)
{
    Arena arena = {0};
    Str *blocks = make_blocks(&arena, 1, len);
    TreeRoots roots = {0};
    TreeNode leaf;
    double cpu = cpu_seconds();
    Instant began = time_monotonic();

    for (size_t i = 0; i < count; i++) {
        tree_leaf(i, blocks[0], &leaf);
        (void)tree_add(&roots, &leaf, NULL);
    }
    report(count, time_monotonic() - began, cpu_seconds() - cpu);
}

static void verify(const char *dir)
{
    Arena arena = {0};
    Feed *feed;
    uint64_t first_bad;

    check(feed_open(&arena, dir, FEED_READ, NULL, &feed, &err));
    double cpu = cpu_seconds();
    Instant began = time_monotonic();
    check(feed_verify(feed, NULL, &first_bad, &err));
    report(feed_state(feed)->roots.length, time_monotonic() - began, cpu_seconds() - cpu);
}

static void open_once(const char *dir)
{
    Arena arena = {0};
    Feed *feed;
    double cpu = cpu_seconds();
    Instant began = time_monotonic();

    check(feed_open(&arena, dir, FEED_READ, NULL, &feed, &err));
    report(feed_state(feed)->roots.length, time_monotonic() - began, cpu_seconds() - cpu);
}

/* ---- many feeds ---- */

static size_t descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    size_t count = 0;

    check(dir != NULL);
    while (readdir(dir))
        count++;
    (void)closedir(dir);
    return count - 3; /* ".", ".." and its own */
}

static void make_one(FeedStore *store, Keystore *keys, size_t number)
{
    unsigned char key[FEED_KEY_BYTES];
    Feed *feed;
    SIGN_SCOPE(signer);
    char name[32];

    (void)snprintf(name, sizeof name, "feed %zu", number);
    check(store_create(store, keys, &(StoreNew){.name = str_from_z(name)}, key, &err));
    check(store_feed(store, key, FEED_WRITE, &feed, &err));
    check(keystore_pair(keys, feed_state(feed)->identity.signer, &signer, &err));
    check(feed_append(feed, &signer, &STR("a block"), 1, FEED_BUFFERED, &err));
    store_release(store, feed);
}

/* The time of one, in the order of their keys and so in no order of their making. */
static void read_all(FeedStore *store, size_t *most_open)
{
    ARENA_SCOPE(arena);
    StoreFeed *feeds;
    size_t count;
    Instant began = time_monotonic();

    check(store_list(store, &arena, &feeds, &count, &err));
    printf("{\"step\":\"list\",\"feeds\":%zu,\"seconds\":%.6f}\n", count,
           (double)(time_monotonic() - began) / 1e6);
    began = time_monotonic();
    for (size_t i = 0; i < count; i++) {
        Feed *feed;
        BUF_SCOPE(block);

        check(store_feed(store, feeds[i].about.key, FEED_READ, &feed, &err) &&
              feed_get(feed, 0, &block, &err));
        store_release(store, feed);
        size_t now = descriptors();
        *most_open = now > *most_open ? now : *most_open;
    }
    printf("{\"step\":\"open and read each\",\"feeds\":%zu,\"seconds\":%.6f}\n", count,
           (double)(time_monotonic() - began) / 1e6);
}

static void many(const char *dir, size_t count)
{
    Arena arena = {0};
    const char *keys_dir = str_printf(&arena, "%s/keys", dir).ptr;
    StoreFeed found;
    size_t most_open = 0;

    check(os_make_dirs(keys_dir, 0700, &err));
    Keystore *keys = keystore_open(&arena, keys_dir, &(KeystoreOptions){.cost = {SEAL_MEMORY_MIN, 1}});
    FeedStore *store = store_open(&arena, str_printf(&arena, "%s/feeds", dir).ptr, NULL);
    Instant began = time_monotonic();
    for (size_t i = 0; i < count; i++)
        make_one(store, keys, i);
    printf("{\"step\":\"make\",\"feeds\":%zu,\"seconds\":%.6f}\n", count,
           (double)(time_monotonic() - began) / 1e6);
    read_all(store, &most_open);
    began = time_monotonic();
    check(store_find(store, &arena, STR("feed 0"), &found, &err));
    printf("{\"step\":\"find by name\",\"seconds\":%.6f,\"most_descriptors\":%zu,\"rss_kb\":%ld}\n",
           (double)(time_monotonic() - began) / 1e6, most_open, rss_kb());
    arena_free(&arena);
}

/* ---- replication ---- */

static Share *share;
static Peering *peering;

static void stop_when_done(void *unused)
{
    PeeringState state;

    (void)unused;
    peering_state(peering, &state);
    if (state.done)
        share_stop(share);
}

static void serve(const char *dir)
{
    Arena arena = {0};
    Feed *feed;
    const char *address;
    BUF_SCOPE(key);

    check(stop_init(&err) && feed_open(&arena, dir, FEED_READ, NULL, &feed, &err));
    check(share_open(&pair, &(ShareOptions){.loop = {.watch_stop = true}}, &share, &err));
    check(share_add(share, feed, &(PeeringOptions){0}, &peering, &err) && peering_announce(peering, &err));
    check(share_listen(share, STR("127.0.0.1:0"), &address, &err));
    buf_put_hex(&key, feed_state(feed)->identity.key, FEED_KEY_BYTES);
    printf("{\"address\":\"%s\",\"key\":\"%.*s\"}\n", address, STR_ARG(buf_str(&key)));
    (void)fflush(stdout);
    double cpu = cpu_seconds();
    Instant began = time_monotonic();
    check(share_run(share, &err));
    report(feed_state(feed)->roots.length, time_monotonic() - began, cpu_seconds() - cpu);
}

static void pull(const char *dir, const char *address, const char *hex, PeeringVia via)
{
    Arena arena = {0};
    SignPair own;
    FeedIdentity who;
    Feed *feed;
    ShareTraffic traffic;
    unsigned char key[FEED_KEY_BYTES];

    check(str_to_bytes(str_from_z(hex), key, sizeof key));
    feed_identity_of_key(key, &who);
    sign_pair_new(&own);
    check(feed_create(&arena, dir, &who, NULL, &feed, &err));
    check(share_open(&own, &(ShareOptions){.on_taken = stop_when_done}, &share, &err));
    check(share_add(share, feed, &(PeeringOptions){.download = true, .follow = true, .via = via}, &peering,
                    &err));
    double cpu = cpu_seconds();
    Instant began = time_monotonic();
    check(share_connect(share, str_from_z(address), &err) && share_run(share, &err));
    Duration took = time_monotonic() - began;
    cpu = cpu_seconds() - cpu;
    share_traffic(share, &traffic);
    printf("{\"blocks\":%" PRIu64 ",\"seconds\":%.6f,\"cpu\":%.6f,\"rss_kb\":%ld,\"bytes\":%" PRIu64
           ",\"wire\":%" PRIu64 "}\n",
           feed_state(feed)->held, (double)took / 1e6, cpu, rss_kb(), feed_state(feed)->roots.bytes,
           traffic.bytes_in + traffic.bytes_out);
    share_close(share);
    feed_close(feed);
}

static size_t number(const char *text)
{
    return (size_t)strtoull(text, NULL, 10);
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";

    make_keys();
    if (strcmp(what, "append") == 0 && argc == 7)
        append(argv[2], number(argv[3]), number(argv[4]), number(argv[5]), strcmp(argv[6], "durable") == 0);
    else if (strcmp(what, "group") == 0 && argc == 6)
        group(argv[2], number(argv[3]), number(argv[4]), number(argv[5]));
    else if (strcmp(what, "fsync") == 0 && argc == 5)
        floor_of_sync(argv[2], number(argv[3]), number(argv[4]));
    else if (strcmp(what, "blake2b") == 0 && argc == 4)
        floor_of_hashes(number(argv[2]), number(argv[3]));
    else if (strcmp(what, "verify") == 0 && argc == 3)
        verify(argv[2]);
    else if (strcmp(what, "open") == 0 && argc == 3)
        open_once(argv[2]);
    else if (strcmp(what, "many") == 0 && argc == 4)
        many(argv[2], number(argv[3]));
    else if (strcmp(what, "serve") == 0 && argc == 3)
        serve(argv[2]);
    else if (strcmp(what, "pull") == 0 && argc == 6)
        pull(argv[2], argv[3], argv[4], strcmp(argv[5], "native") == 0 ? PEERING_NATIVE : PEERING_HYPERCORE);
    else {
        (void)fprintf(
            stderr,
            "usage: feed_bench append|group|fsync|blake2b|verify|open|many|serve|pull ...: see its source\n");
        return 2;
    }
    return 0;
}
