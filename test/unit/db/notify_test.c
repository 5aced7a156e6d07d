/* SPDX-License-Identifier: Apache-2.0 */
#include "db/notify.h"

#include <pthread.h>

#include "base/lock.h"
#include "test/check.h"
#include "test/pg.h"

static const char *const channels[] = {"plain", "With \"quotes\""};

typedef struct Heard {
    pthread_mutex_t mutex;
    int connects, messages;
    char last[200];
} Heard;

static void hear(void *ctx, Str channel, Str payload)
{
    Heard *heard = ctx;
    LOCK_SCOPE(held, &heard->mutex);

    if (!channel.ptr) {
        heard->connects++;
        return;
    }
    heard->messages++;
    (void)snprintf(heard->last, sizeof heard->last, "%.*s: %.*s", STR_ARG(channel), STR_ARG(payload));
}

/* Waits until as much was heard; the program is ended from outside if that never comes. */
static void wait_for(Heard *heard, int connects, int messages)
{
    for (;;) {
        {
            LOCK_SCOPE(held, &heard->mutex);
            if (heard->connects >= connects && heard->messages >= messages)
                return;
        }
        time_sleep(MILLISECONDS(5));
    }
}

static void what_is_sent_is_heard(void)
{
    Heard heard = {.mutex = PTHREAD_MUTEX_INITIALIZER};
    Err err = {0};
    Notify *notify;

    CHECK(notify_open(pg_dsn("postgres"), channels, COUNT_OF(channels), hear, &heard, &notify, &err));
    wait_for(&heard, 1, 0);
    CHECK(notify_connected(notify));
    pg_sql("postgres", "notify plain, 'one'");
    wait_for(&heard, 1, 1);
    CHECK(strcmp(heard.last, "plain: one") == 0);
    pg_sql("postgres", "notify other, 'not for us'; notify \"With \"\"quotes\"\"\", 'two'");
    wait_for(&heard, 1, 2);
    CHECK(strcmp(heard.last, "With \"quotes\": two") == 0 && heard.messages == 2);
    notify_close(notify);
}

static void it_listens_again_after_the_server_was_away(void)
{
    Heard heard = {.mutex = PTHREAD_MUTEX_INITIALIZER};
    Err err = {0};
    Notify *notify;

    CHECK(notify_open(pg_dsn("postgres"), channels, 1, hear, &heard, &notify, &err));
    wait_for(&heard, 1, 0);
    CHECK(cluster_stop(pg_cluster, SECONDS(30), &err));
    while (notify_connected(notify))
        time_sleep(MILLISECONDS(5));
    CHECK(cluster_start(pg_cluster, &err));
    wait_for(&heard, 2, 0); /* told to look for itself */
    pg_sql("postgres", "notify plain, 'again'");
    wait_for(&heard, 2, 1);
    CHECK(strcmp(heard.last, "plain: again") == 0);
    pg_sql("postgres", "select pg_terminate_backend(pid) from pg_stat_activity where query like 'listen%'");
    wait_for(&heard, 3, 1);
    pg_sql("postgres", "notify plain, 'and again'");
    wait_for(&heard, 3, 2);
    notify_close(notify);
}

static void a_server_that_never_comes_can_be_given_up(void)
{
    Heard heard = {.mutex = PTHREAD_MUTEX_INITIALIZER};
    Err err = {0};
    Notify *notify;

    CHECK(notify_open("host=/nonexistent", channels, 1, hear, &heard, &notify, &err));
    time_sleep(MILLISECONDS(120));
    CHECK(!notify_connected(notify));
    notify_close(notify);
    CHECK(heard.connects == 0);
}

int main(void)
{
    pg_start();
    RUN(what_is_sent_is_heard);
    RUN(it_listens_again_after_the_server_was_away);
    RUN(a_server_that_never_comes_can_be_given_up);
    DONE();
}
