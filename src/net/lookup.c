/* SPDX-License-Identifier: Apache-2.0 */
#include "net/lookup.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/lock.h"

struct Lookup {
    char *host, *port;
    struct addrinfo *found;
    int status, sys; /* of getaddrinfo(), and errno where that tells more */

    pthread_mutex_t mutex;
    bool over, given_up;
    uv_async_t *async;
};

static void free_lookup(Lookup *lookup)
{
    if (lookup->found)
        freeaddrinfo(lookup->found);
    (void)pthread_mutex_destroy(&lookup->mutex);
    free(lookup->host);
    free(lookup->port);
    free(lookup);
}

/* Whoever comes second frees it: who asks, or the thread. */
static bool end(Lookup *lookup)
{
    LOCK_SCOPE(held, &lookup->mutex);

    lookup->over = true;
    if (!lookup->given_up)
        (void)uv_async_send(lookup->async);
    return lookup->given_up;
}

static void *look_up(void *lookup_v)
{
    Lookup *lookup = lookup_v;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV};

    lookup->status = getaddrinfo(lookup->host, lookup->port, &hints, &lookup->found);
    lookup->sys = errno;
    if (end(lookup))
        free_lookup(lookup);
    return NULL;
}

/* Signals are the business of other threads. */
static bool start_thread(Lookup *lookup)
{
    pthread_t thread;
    sigset_t all, before;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int status = pthread_create(&thread, NULL, look_up, lookup);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (status == 0)
        (void)pthread_detach(thread);
    return status == 0;
}

bool lookup_begin(const char *host, const char *port, uv_async_t *async, Lookup **out, Err *err)
{
    Lookup *lookup = calloc(1, sizeof *lookup);

    if (!lookup)
        abort(); /* as arenas do */
    *lookup = (Lookup){.host = strdup(host), .port = strdup(port), .async = async};
    if (!lookup->host || !lookup->port)
        abort();
    (void)pthread_mutex_init(&lookup->mutex, NULL);
    if (!start_thread(lookup)) {
        free_lookup(lookup);
        return err_set(err, ERR_IO, "there are no more threads");
    }
    *out = lookup;
    return true;
}

static bool is_over(Lookup *lookup)
{
    LOCK_SCOPE(held, &lookup->mutex);

    return lookup->over;
}

bool lookup_take(Lookup *lookup, struct addrinfo **found, Err *why)
{
    if (!is_over(lookup))
        return false;
    *found = lookup->status == 0 ? lookup->found : NULL;
    lookup->found = NULL;
    if (lookup->status != 0)
        (void)err_set(why, ERR_IO, "%s",
                      lookup->status == EAI_SYSTEM ? strerrordesc_np(lookup->sys)
                                                   : gai_strerror(lookup->status));
    free_lookup(lookup);
    return true;
}

static bool give_up(Lookup *lookup)
{
    LOCK_SCOPE(held, &lookup->mutex);

    lookup->given_up = true;
    return lookup->over;
}

void lookup_give_up(Lookup *lookup)
{
    if (give_up(lookup))
        free_lookup(lookup);
}
