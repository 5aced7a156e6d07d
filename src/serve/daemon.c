/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/daemon.h"

#include <pthread.h>
#include <signal.h>

#include "base/lock.h"
#include "base/log.h"
#include "base/os.h"
#include "http/server.h"
#include "serve/part.h"
#include "serve/presence.h"

static const ServePart *const parts[] = {
#define X(name) &part_##name,
#include "serve/part.def"
#undef X
};

struct Daemon {
    Arena *arena;
    const Instance *instance;
    const ConfSet *set;
    Pool *pools[INSTANCE_READER + 1];
    void *kept[COUNT_OF(parts)];
    size_t started; /* parts from the front that are up */
    Buf told;       /* what run/parts holds */

    /* the thread that waits for signals, and what it heard */
    pthread_t signals;
    pthread_mutex_t mutex;
    pthread_cond_t heard;
    atomic_bool stopping;
    bool reload; /* guarded by mutex */
};

/* ---- what parts ask ---- */

const ConfSet *daemon_conf_set(const Daemon *daemon)
{
    return daemon->set;
}

const Instance *daemon_instance(const Daemon *daemon)
{
    return daemon->instance;
}

Arena *daemon_arena(Daemon *daemon)
{
    return daemon->arena;
}

Pool *daemon_pool(Daemon *daemon, InstanceRole role)
{
    return daemon->pools[role];
}

void daemon_set_pool(Daemon *daemon, InstanceRole role, Pool *pool)
{
    daemon->pools[role] = pool;
}

bool daemon_stopping(const Daemon *daemon)
{
    return atomic_load(&daemon->stopping);
}

const atomic_bool *daemon_stop_flag(const Daemon *daemon)
{
    return &daemon->stopping;
}

static size_t number_of(const ServePart *part)
{
    size_t i = 0;

    while (parts[i] != part)
        i++;
    return i;
}

void daemon_keep(Daemon *daemon, const ServePart *part, void *state)
{
    daemon->kept[number_of(part)] = state;
}

void *daemon_kept(const Daemon *daemon, const ServePart *part)
{
    return daemon->kept[number_of(part)];
}

/* ---- readiness ---- */

typedef struct Check {
    Daemon *daemon;
    const ServePart *part;
} Check;

static bool check_ready(void *context, Err *err)
{
    const Check *check = context;

    return check->part->ready(check->daemon, err);
}

bool daemon_mount(Daemon *daemon, Server *http, Err *err)
{
    Check *checks = arena_new(daemon->arena, Check, COUNT_OF(parts));

    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        checks[i] = (Check){daemon, parts[i]};
        if (parts[i]->ready)
            server_ready_check(http, parts[i]->name, check_ready, &checks[i]);
        if (parts[i]->mount && !parts[i]->mount(daemon, http, err))
            return err_wrap(err, "cannot add the routes of '%s'", parts[i]->name);
    }
    return true;
}

static bool is_off(const Daemon *daemon, const ServePart *part)
{
    return part->off && part->off(daemon);
}

/* A tab or newline would end the column or line. */
static void put_column(Buf *out, const char *text)
{
    for (; *text; text++)
        buf_put_byte(out, *text == '\t' || *text == '\n' ? ' ' : *text);
}

static void put_state(Daemon *daemon, const ServePart *part, Buf *out)
{
    BUF_SCOPE(detail);
    Err err = {0};
    bool ready = !part->ready || part->ready(daemon, &err);

    if (ready && part->describe)
        part->describe(daemon, &detail);
    buf_put_byte(&detail, '\0');
    buf_printf(out, "%s\t%s\t", part->name, ready ? "up" : "failing");
    put_column(out, ready ? detail.ptr : err.text);
    buf_put_byte(out, '\n');
}

/* Writes run/parts when it would read differently. */
static void tell_states(Daemon *daemon)
{
    BUF_SCOPE(text);
    Err err = {0};

    for (size_t i = 0; i < daemon->started; i++)
        if (!is_off(daemon, parts[i]))
            put_state(daemon, parts[i], &text);
    if (str_eq(buf_str(&text), buf_str(&daemon->told)))
        return;
    if (!presence_put(instance_path(daemon->instance), "parts", buf_str(&text), &err))
        log_err(LOG_WARNING, "cannot tell the state", &err);
    buf_reset(&daemon->told);
    buf_put(&daemon->told, buf_str(&text));
}

/* Says of the parts that are still there that they go. */
static void tell_stopping(Daemon *daemon)
{
    BUF_SCOPE(text);
    Err err = {0};

    for (size_t i = 0; i < daemon->started; i++)
        if (!is_off(daemon, parts[i]))
            buf_printf(&text, "%s\tstopping\t\n", parts[i]->name);
    if (!presence_put(instance_path(daemon->instance), "parts", buf_str(&text), &err))
        log_err(LOG_WARNING, "cannot tell the state", &err);
}

/* ---- signals ---- */

static sigset_t signals_heard(void)
{
    sigset_t set;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGHUP);
    return set;
}

/* Hears signals for all threads, so that a long start can be stopped, too. Once it is stopping, the next one ends it. */
static void *hear_signals(void *arg)
{
    Daemon *daemon = arg;
    sigset_t set = signals_heard();
    int number = 0;

    for (bool over = false; !over;) {
        if (sigwait(&set, &number) != 0)
            continue;
        LOCK_SCOPE(held, &daemon->mutex);
        over = atomic_load(&daemon->stopping); /* the next one, if only that of stop_hearing() */
        if (number == SIGHUP)
            daemon->reload = true;
        else
            atomic_store(&daemon->stopping, true);
        (void)pthread_cond_signal(&daemon->heard);
    }
    return NULL;
}

static bool start_hearing(Daemon *daemon, sigset_t *before, Err *err)
{
    sigset_t set = signals_heard();
    pthread_condattr_t clock;

    (void)signal(SIGPIPE, SIG_IGN);
    (void)pthread_sigmask(SIG_BLOCK, &set, before);
    (void)pthread_mutex_init(&daemon->mutex, NULL);
    (void)pthread_condattr_init(&clock);
    (void)pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&daemon->heard, &clock);
    (void)pthread_condattr_destroy(&clock);
    if (pthread_create(&daemon->signals, NULL, hear_signals, daemon) != 0)
        return err_set(err, ERR_IO, "cannot start a thread");
    return true;
}

static void stop_hearing(Daemon *daemon, const sigset_t *before)
{
    sigset_t set = signals_heard();
    struct timespec at_once = {0};

    atomic_store(&daemon->stopping, true);
    (void)pthread_kill(daemon->signals, SIGINT);
    (void)pthread_join(daemon->signals, NULL);
    while (sigtimedwait(&set, NULL, &at_once) > 0)
        ; /* impatient ones: the wish is granted */
    (void)pthread_cond_destroy(&daemon->heard);
    (void)pthread_mutex_destroy(&daemon->mutex);
    (void)pthread_sigmask(SIG_SETMASK, before, NULL);
}

/* Waits for a second, or until something is heard. True for a wish to read the configuration again. */
static bool wait_a_tick(Daemon *daemon)
{
    LOCK_SCOPE(held, &daemon->mutex);
    Duration at = time_monotonic() + SECONDS(1);
    struct timespec until = {.tv_sec = at / SECONDS(1), .tv_nsec = at % SECONDS(1) * 1000};
    bool reload;

    if (!daemon_stopping(daemon) && !daemon->reload)
        (void)pthread_cond_timedwait(&daemon->heard, &daemon->mutex, &until);
    reload = daemon->reload;
    daemon->reload = false;
    return reload;
}

/* ---- configuration ---- */

static void apply_log_level(const Conf *conf)
{
    const LogConf *log = conf_get(conf, &log_conf, (Str){0});

    log_set_level((LogLevel)log->level);
}

static void report_changes(const Conf *before, const Conf *after)
{
    ConfChange change;
    size_t at = 0;

    while (conf_next_change(before, after, &at, &change))
        log_line(change.needs_restart ? LOG_WARNING : LOG_INFO, "configuration changed section=%s key=%s%s",
                 change.section->name, change.key ? change.key->name : "-",
                 change.needs_restart ? " (takes effect at the next start)" : "");
}

static void reload(Daemon *daemon)
{
    ARENA_SCOPE(scratch);
    Err err = {0};
    Conf *conf;

    if (!conf_load(daemon->set, str_printf(&scratch, "%s/strata.ini", instance_path(daemon->instance)).ptr,
                   &scratch, &conf, &err)) {
        log_err(LOG_ERROR, "the configuration stays as it was", &err);
        return;
    }
    report_changes(instance_conf(daemon->instance), conf);
    apply_log_level(conf);
    for (size_t i = 0; i < COUNT_OF(parts); i++)
        if (parts[i]->reload)
            parts[i]->reload(daemon);
}

/* ---- start, run, stop ---- */

static bool start_parts(Daemon *daemon, Err *err)
{
    for (; daemon->started < COUNT_OF(parts); daemon->started++) {
        const ServePart *part = parts[daemon->started];

        if (daemon_stopping(daemon))
            return err_set(err, ERR_INTERRUPTED, "stopped while starting");
        if (part->start && !part->start(daemon, err))
            return false;
    }
    return true;
}

static void stop_parts(Daemon *daemon)
{
    while (daemon->started > 0) {
        const ServePart *part = parts[--daemon->started];

        if (part->stop)
            part->stop(daemon);
    }
}

static void run_until_stopped(Daemon *daemon)
{
    while (!daemon_stopping(daemon)) {
        for (size_t i = 0; i < COUNT_OF(parts); i++)
            if (parts[i]->tick)
                parts[i]->tick(daemon);
        tell_states(daemon);
        if (wait_a_tick(daemon))
            reload(daemon);
    }
    log_line(LOG_INFO, "stopping");
    tell_stopping(daemon);
}

static bool start_and_run(Daemon *daemon, bool (*on_ready)(void *ctx, Err *err), void *ctx, Err *err)
{
    bool ok = start_parts(daemon, err);

    if (ok) {
        tell_states(daemon);
        ok = !on_ready || on_ready(ctx, err);
    }
    if (ok)
        run_until_stopped(daemon);
    stop_parts(daemon);
    presence_remove(instance_path(daemon->instance), "parts");
    return ok;
}

bool daemon_run(const Instance *instance, const ConfSet *set, bool (*on_ready)(void *ctx, Err *err),
                void *ctx, Err *err)
{
    ARENA_SCOPE(arena);
    Daemon daemon = {.arena = &arena, .instance = instance, .set = set};
    sigset_t before;
    FD_SCOPE(lock);

    if (!presence_take(instance_path(instance), &lock, err))
        return false;
    apply_log_level(instance_conf(instance));
    presence_remove(instance_path(instance), "http.url"); /* a killed service's */
    presence_remove(instance_path(instance), "parts");
    if (!start_hearing(&daemon, &before, err))
        return false;
    log_line(LOG_INFO, "starting dir=%s version=%s", instance_path(instance), STRATA_VERSION);
    bool ok = start_and_run(&daemon, on_ready, ctx, err);
    stop_hearing(&daemon, &before);
    buf_release(&daemon.told);
    log_line(LOG_INFO, "stopped");
    return ok;
}
