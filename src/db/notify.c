/* SPDX-License-Identifier: Apache-2.0 */
#include "db/notify.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/os.h"
#include "db_sql.h"

#define RETRY_FIRST MILLISECONDS(50)
#define RETRY_LAST  SECONDS(5)

struct Notify {
    Arena arena;
    const char *dsn;
    const char **channels;
    size_t count;
    NotifyFn *heard;
    void *ctx;
    int wake; /* eventfd: readable when it is time to end */
    pthread_t thread;
    atomic_bool connected;
};

static bool listen_to(Db *db, const char *channel, Err *err)
{
    ARENA_SCOPE(scratch);
    RESULT_SCOPE(rows);

    return db_query(db, &sql_notify_listen, DB_ARGS(DB_TEXT_Z(channel)), &rows, err) &&
           db_script(db, str_to_z(&scratch, db_text(rows, 0, 0)), err);
}

static bool start_listening(Notify *notify, Arena *arena, Db **out)
{
    Err ignored;
    Db *db;

    if (!db_open(arena, notify->dsn, &db, &ignored))
        return false;
    for (size_t i = 0; i < notify->count; i++)
        if (!listen_to(db, notify->channels[i], &ignored))
            return false;
    *out = db;
    return true;
}

static void hand_over(Notify *notify, Db *db)
{
    for (PGnotify *one; (one = PQnotifies(db_handle(db))); PQfreemem(one))
        notify->heard(notify->ctx, str_from_z(one->relname), str_from_z(one->extra));
}

/* True when it is time to end. */
static bool wait_on(const Notify *notify, int socket, Duration patience)
{
    struct pollfd fds[] = {{.fd = notify->wake, .events = POLLIN}, {.fd = socket, .events = POLLIN}};

    (void)poll(fds, socket < 0 ? 1 : 2, patience < 0 ? -1 : (int)(patience / MILLISECONDS(1)));
    return (fds[0].revents & POLLIN) != 0;
}

/* Until the connection is lost or it is time to end; true for the latter. */
static bool listen_until_lost(Notify *notify, Db *db)
{
    bool end = false;

    atomic_store(&notify->connected, true);
    notify->heard(notify->ctx, (Str){0}, (Str){0});
    hand_over(notify, db);
    while (!end) {
        end = wait_on(notify, PQsocket(db_handle(db)), -1);
        if (!end && (!PQconsumeInput(db_handle(db)) || !db_alive(db)))
            break;
        if (!end)
            hand_over(notify, db);
    }
    atomic_store(&notify->connected, false);
    return end;
}

static void *listen_again_and_again(void *arg)
{
    Notify *notify = arg;
    Duration retry = RETRY_FIRST;

    for (bool end = false; !end;) {
        ARENA_SCOPE(arena);
        Db *db;

        if (start_listening(notify, &arena, &db)) {
            retry = RETRY_FIRST;
            end = listen_until_lost(notify, db);
            continue;
        }
        end = wait_on(notify, -1, retry);
        retry = retry * 2 < RETRY_LAST ? retry * 2 : RETRY_LAST;
    }
    return NULL;
}

bool notify_open(const char *dsn, const char *const *channels, size_t count, NotifyFn *heard, void *ctx,
                 Notify **out, Err *err)
{
    Arena arena = {0};
    Notify *notify = arena_new(&arena, Notify, 1);

    *notify = (Notify){.dsn = str_to_z(&arena, str_from_z(dsn)),
                       .channels = arena_new(&arena, const char *, count),
                       .count = count,
                       .heard = heard,
                       .ctx = ctx,
                       .wake = eventfd(0, EFD_CLOEXEC)};
    for (size_t i = 0; i < count; i++)
        notify->channels[i] = str_to_z(&arena, str_from_z(channels[i]));
    notify->arena = arena;
    if (notify->wake >= 0 && pthread_create(&notify->thread, NULL, listen_again_and_again, notify) == 0) {
        *out = notify;
        return true;
    }
    os_close(&notify->wake);
    arena_free(&arena);
    return err_set(err, ERR_IO, "cannot start a thread that listens");
}

bool notify_connected(Notify *notify)
{
    return atomic_load(&notify->connected);
}

void notify_close(Notify *notify)
{
    Arena arena = notify->arena;

    (void)eventfd_write(notify->wake, 1);
    (void)pthread_join(notify->thread, NULL);
    os_close(&notify->wake);
    arena_free(&arena); /* the listener itself is in it */
}
