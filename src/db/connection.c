/* SPDX-License-Identifier: Apache-2.0 */
#include "db/connection.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db/patience.h"

Str connection_line(const char *message)
{
    Str line;

    (void)str_cut(str_from_z(message), '\n', &line);
    return str_trim(line);
}

/* ---- one attempt ---- */

/* libpq's own parameter, as the string or the environment says. */
static Duration time_limit(PGconn *conn)
{
    PQconninfoOption *options = PQconninfo(conn);
    int64_t seconds = 0;

    for (PQconninfoOption *option = options; option && option->keyword; option++)
        if (option->val && strcmp(option->keyword, "connect_timeout") == 0)
            (void)str_to_int64(str_from_z(option->val), &seconds);
    PQconninfoFree(options);
    return seconds > 0 ? SECONDS(seconds) : 0;
}

/* Until the socket is ready for what libpq wants of it. False when the time is up; 0 is no limit. */
static bool wait_for_socket(PGconn *conn, PostgresPollingStatusType want, Duration until)
{
    struct pollfd fd = {.fd = PQsocket(conn), .events = want == PGRES_POLLING_READING ? POLLIN : POLLOUT};

    for (;;) {
        Duration left = until ? until - time_monotonic() : 0;

        if (until && left <= 0)
            return false;
        int n = poll(&fd, 1, until ? (int)(left / MILLISECONDS(1)) + 1 : -1);
        if (n > 0 || (n < 0 && errno != EINTR))
            return true;
    }
}

/* False when the time is up. */
static bool poll_connection(PGconn *conn)
{
    Duration limit = time_limit(conn), until = limit ? time_monotonic() + limit : 0;
    PostgresPollingStatusType want = PGRES_POLLING_WRITING;

    while (PQstatus(conn) != CONNECTION_BAD && want != PGRES_POLLING_OK && want != PGRES_POLLING_FAILED) {
        if (!wait_for_socket(conn, want, until))
            return false;
        want = PQconnectPoll(conn);
    }
    return true;
}

/* A verbose message is "... FATAL:  53300: too many": the SQLSTATE goes where it belongs. */
static void take_state(Err *err)
{
    static const char letters[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    const size_t size = sizeof err->sqlstate - 1;

    for (char *at = err->text; (at = strstr(at, ":  ")); at++) {
        char *state = at + strlen(":  "), *rest = state + size + strlen(": ");

        if (strspn(state, letters) != size || strncmp(state + size, ": ", strlen(": ")) != 0)
            continue;
        memcpy(err->sqlstate, state, size);
        memmove(state, rest, strlen(rest) + 1);
        return;
    }
}

static bool is_full(const Err *err)
{
    return strcmp(err->sqlstate, "53300") == 0;
}

/* Starting after a crash, or not yet stopped. */
static bool is_starting(const Err *err)
{
    return strcmp(err->sqlstate, "57P03") == 0;
}

static void ignore_notice(void *arg, const PGresult *result)
{
    (void)arg;
    (void)result;
}

/*
 * PQconnectdb() would do but for the SQLSTATE, which a message has only when it is asked for before there is any: texts
 * are in the server's language.
 */
static bool try_once(const char *conninfo, PGconn **out, Err *err)
{
    const char *const keywords[] = {"connect_timeout", "dbname", NULL}, *const values[] = {"10", conninfo,
                                                                                           NULL};
    PGconn *conn = PQconnectStartParams(keywords, values, 1);

    if (!conn)
        abort(); /* no memory */
    (void)PQsetErrorVerbosity(conn, PQERRORS_VERBOSE);
    (void)PQsetNoticeReceiver(conn, ignore_notice, NULL);
    bool in_time = poll_connection(conn);
    if (PQstatus(conn) == CONNECTION_OK) {
        (void)PQsetErrorVerbosity(conn, PQERRORS_DEFAULT);
        *out = conn;
        return true;
    }
    (void)err_set(err, ERR_DB, "cannot connect to PostgreSQL: %.*s",
                  STR_ARG(in_time ? connection_line(PQerrorMessage(conn)) : STR("it does not answer")));
    take_state(err);
    if (is_full(err))
        err->code = ERR_BUSY;
    PQfinish(conn);
    return false;
}

bool connection_make(const char *conninfo, PGconn **out, Err *err)
{
    PatienceWait wait = {0};
    bool ok;

    while (!(ok = try_once(conninfo, out, err)) && (is_full(err) || is_starting(err)))
        if (!patience_wait(&wait, err))
            break;
    patience_end(&wait);
    return ok;
}

bool connection_answers(const char *conninfo, Duration within)
{
    enum { TEXT = 24 };
    char seconds[TEXT];
    const char *const keywords[] = {"dbname", "connect_timeout", NULL}, *const values[] = {conninfo, seconds,
                                                                                           NULL};

    (void)snprintf(seconds, sizeof seconds, "%lld",
                   (long long)(within / SECONDS(1) > 2 ? within / SECONDS(1) : 2));
    PGPing answer = PQpingParams(keywords, values, 1);
    return answer == PQPING_OK || answer == PQPING_REJECT;
}
