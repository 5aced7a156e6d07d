/* SPDX-License-Identifier: Apache-2.0 */
/* The feeds of the instance for peers, where [feeds] listen says so: a thread of its own that does what strata feed serve does. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/lock.h"
#include "base/log.h"
#include "base/os.h"
#include "crypto/keystore.h"
#include "feed/serving.h"
#include "serve/part.h"

#define PASSPHRASE "STRATA_PASSPHRASE"
#define RETRY      SECONDS(10)

typedef struct FeedsPart {
    /* the thread's own while it runs */
    FeedStore *store;
    SignPair own;
    Peers peers;
    Err *told; /* of each peer: why it was not there, when that was logged last */

    pthread_t thread;

    /* of both */
    pthread_mutex_t mutex;
    pthread_cond_t end; /* signalled when it is to end */
    bool ending;
    Serving *serving; /* NULL: it failed, and is tried again */
    const char *address;
    ServingState state;
    Err failure;
} FeedsPart;

/* ---- what is told ---- */

static void warn(void *ctx, const char *text)
{
    (void)ctx;
    log_line(LOG_WARNING, "%s", text);
}

static void say(void *level, const char *text)
{
    log_line(*(const LogLevel *)level, "%s", text);
}

/* One that is called and not there is tried again and again: once for each reason. Who called is not worth a line. */
static void on_end(void *part_v, const char *address, const Err *why)
{
    FeedsPart *part = part_v;
    LogLevel level = LOG_DEBUG;

    for (size_t i = 0; i < part->peers.count; i++) {
        Err *told = &part->told[i];

        if (!str_eq_z(part->peers.at[i], address) || str_eq_z(str_from_z(told->text), why->text))
            continue;
        level = LOG_INFO;
        *told = *why;
    }
    notice_end(&(Notice){say, &level}, address, why);
}

static void on_tick(void *part_v)
{
    FeedsPart *part = part_v;
    ServingState state;

    serving_state(part->serving, &state);
    LOCK_SCOPE(held, &part->mutex);
    part->state = state;
}

/* ---- serving ---- */

static bool begin(FeedsPart *part, Err *err)
{
    ServingOptions options = {.all = true,
                              .follow = true,
                              .notice = {.say = warn},
                              .on_end = on_end,
                              .on_tick = on_tick,
                              .ctx = part};
    const char *address;
    Serving *serving;

    if (!serving_open(part->store, &part->own, &options, &serving, err))
        return false;
    if (!serving_listen(serving, part->peers.listen, &address, err) ||
        !serving_connect(serving, &part->peers, err)) {
        serving_close(serving);
        return false;
    }
    LOCK_SCOPE(held, &part->mutex);
    part->serving = serving;
    part->address = address;
    part->state = (ServingState){0};
    part->failure = (Err){0};
    if (part->ending)
        serving_stop(serving);
    log_line(LOG_INFO, "feeds are served listen=%s", address);
    return true;
}

static bool is_ending(FeedsPart *part)
{
    LOCK_SCOPE(held, &part->mutex);

    return part->ending;
}

/* True when it is to end instead. */
static bool wait_for_next_try(FeedsPart *part)
{
    LOCK_SCOPE(held, &part->mutex);
    Duration at = time_monotonic() + RETRY;
    struct timespec until = {.tv_sec = at / SECONDS(1), .tv_nsec = at % SECONDS(1) * 1000};

    while (!part->ending && time_monotonic() < at)
        (void)pthread_cond_timedwait(&part->end, &part->mutex, &until);
    return part->ending;
}

static void fail(FeedsPart *part, const Err *why)
{
    Serving *serving = part->serving;

    log_err(LOG_ERROR, "feeds are not served", why);
    pthread_mutex_lock(&part->mutex);
    part->serving = NULL;
    part->failure = *why;
    pthread_mutex_unlock(&part->mutex);
    if (serving)
        serving_close(serving);
}

/* A disk that is full may have room again. */
static void *serve(void *part_v)
{
    FeedsPart *part = part_v;

    for (;;) {
        Err why = {0};

        if (part->serving ? serving_run(part->serving, &why) : begin(part, &why)) {
            if (is_ending(part))
                return NULL;
            continue;
        }
        fail(part, &why);
        if (wait_for_next_try(part))
            return NULL;
    }
}

/* ---- the node's key ---- */

/* A service asks nobody. */
static bool give_passphrase(void *ctx, KeystoreAsk why, Secret *out, Err *err)
{
    const char *value = getenv(PASSPHRASE);

    (void)ctx;
    if (why == KEYSTORE_AGAIN)
        return err_set(err, ERR_DENIED, "the passphrase in $" PASSPHRASE " is wrong");
    if (value && *value)
        return secret_put(out, str_from_z(value)) ||
               err_set(err, ERR_LIMIT, "the passphrase in $" PASSPHRASE " is too long");
    if (why == KEYSTORE_FIRST)
        return true; /* a key file */
    (void)err_set(err, ERR_DENIED, "the keys have a passphrase");
    return err_hint(err, "strata up takes it from $" PASSPHRASE ", where [feeds] listen has feeds served");
}

static bool take_node_key(const Instance *instance, SignPair *own, Err *err)
{
    ARENA_SCOPE(scratch);
    const KeysSection *section = conf_get(instance_conf(instance), &keys_section, (Str){0});
    const char *dir = str_printf(&scratch, "%s/keys", instance_path(instance)).ptr;

    if (os_mkdir(dir, 0700) < 0 && errno != EEXIST)
        return err_sys(err, ERR_IO, "cannot make directory '%s'", dir);
    Keystore *keys =
        keystore_open(&scratch, dir,
                      &(KeystoreOptions){.unlock = instance_below(instance, &scratch, section->unlock),
                                         .get = give_passphrase});
    return keystore_node(keys, own, err);
}

/* ---- the part ---- */

static bool prepare(FeedsPart *part, const Instance *instance, Arena *arena, Err *err)
{
    const char *dir = str_printf(arena, "%s/feeds", instance_path(instance)).ptr;
    pthread_condattr_t clock;

    part->told = arena_new(arena, Err, part->peers.count + 1);
    part->store = store_open(arena, dir, &(StoreOptions){.open_max = store_room(true)});
    (void)pthread_mutex_init(&part->mutex, NULL);
    (void)pthread_condattr_init(&clock);
    (void)pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&part->end, &clock);
    (void)pthread_condattr_destroy(&clock);
    return take_node_key(instance, &part->own, err) && begin(part, err);
}

static bool start_part(FeedsPart *part, const Instance *instance, Arena *arena, Err *err)
{
    if (!prepare(part, instance, arena, err))
        return err_wrap(err, "cannot serve the feeds");
    if (pthread_create(&part->thread, NULL, serve, part) == 0)
        return true;
    serving_close(part->serving);
    return err_set(err, ERR_IO, "cannot start a thread");
}

/* The processes that the service starts later are not told the passphrase. */
static bool start(Daemon *daemon, Err *err)
{
    const Instance *instance = daemon_instance(daemon);
    Arena *arena = daemon_arena(daemon);
    FeedsPart *part = arena_new(arena, FeedsPart, 1);

    *part = (FeedsPart){0};
    bool ok = peers_parse(conf_get(instance_conf(instance), &peers_conf, (Str){0}), arena, &part->peers, err);
    if (ok && part->peers.listen.len > 0) {
        ok = start_part(part, instance, arena, err);
        daemon_keep(daemon, &part_feeds, ok ? part : NULL);
    }
    (void)unsetenv(PASSPHRASE);
    return ok;
}

static void stop(Daemon *daemon)
{
    FeedsPart *part = daemon_kept(daemon, &part_feeds);

    if (!part)
        return;
    pthread_mutex_lock(&part->mutex);
    part->ending = true;
    if (part->serving)
        serving_stop(part->serving);
    (void)pthread_cond_signal(&part->end);
    pthread_mutex_unlock(&part->mutex);
    (void)pthread_join(part->thread, NULL);
    if (part->serving)
        serving_close(part->serving);
    sign_wipe(&part->own);
    (void)pthread_cond_destroy(&part->end);
    (void)pthread_mutex_destroy(&part->mutex);
}

static bool off(const Daemon *daemon)
{
    return !daemon_kept(daemon, &part_feeds);
}

static bool ready(Daemon *daemon, Err *err)
{
    FeedsPart *part = daemon_kept(daemon, &part_feeds);

    if (!part)
        return true;
    LOCK_SCOPE(held, &part->mutex);
    if (part->failure.code)
        *err = part->failure;
    return !part->failure.code;
}

static void describe(Daemon *daemon, Buf *out)
{
    FeedsPart *part = daemon_kept(daemon, &part_feeds);

    LOCK_SCOPE(held, &part->mutex);
    buf_printf(out, "listening on %s, %zu peer%s connected, %zu feed%s open", part->address,
               part->state.peers, part->state.peers == 1 ? "" : "s", part->state.feeds,
               part->state.feeds == 1 ? "" : "s");
}

const ServePart part_feeds = {
    .name = "feeds",
    .start = start,
    .stop = stop,
    .off = off,
    .ready = ready,
    .describe = describe,
};
