/* SPDX-License-Identifier: Apache-2.0 */
#include "dataset/stream.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

/* By what the connection or a result says; the first failure counts. */
static void fail(Stream *stream, const PGresult *result)
{
    if (stream->state == STREAM_FAILED)
        return;
    stream->state = STREAM_FAILED;
    (void)db_err_of(stream->conn, result, &stream->why);
}

void stream_open(Stream *stream, const char *dsn)
{
    *stream = (Stream){.conn = PQconnectStart(dsn),
                       .state = STREAM_CONNECTING,
                       .wants = PGRES_POLLING_WRITING,
                       .heard = time_now()};
    if (!stream->conn || PQstatus(stream->conn) == CONNECTION_BAD)
        fail(stream, NULL);
}

void stream_close(Stream *stream)
{
    PQfinish(stream->conn);
    *stream = (Stream){.state = STREAM_OFF};
}

void stream_run(Stream *stream, const char *sql)
{
    stream->state = STREAM_RUNNING;
    stream->rows = 0;
    stream->heard = time_now();
    if (!PQsendQuery(stream->conn, sql))
        fail(stream, NULL);
}

int stream_fd(const Stream *stream)
{
    return stream->state == STREAM_CONNECTING || stream->state == STREAM_RUNNING ? PQsocket(stream->conn)
                                                                                 : -1;
}

short stream_events(const Stream *stream)
{
    if (stream->state == STREAM_CONNECTING)
        return stream->wants == PGRES_POLLING_WRITING ? POLLOUT : POLLIN;
    return POLLIN;
}

static void step_connecting(Stream *stream)
{
    stream->wants = PQconnectPoll(stream->conn);
    if (stream->wants == PGRES_POLLING_FAILED)
        fail(stream, NULL);
    else if (stream->wants == PGRES_POLLING_OK) {
        stream->state = STREAM_READY;
        if (PQsetnonblocking(stream->conn, 1) < 0)
            fail(stream, NULL);
    }
}

/* Not a trouble of the server itself (classes 08, 53, 57, 58, XX), or of libpq, which gives no code. */
static bool is_of_statement(const char *code)
{
    static const char *const own[] = {"08", "53", "57", "58", "XX"};

    for (size_t i = 0; code && i < COUNT_OF(own); i++)
        if (strncmp(code, own[i], 2) == 0)
            return false;
    return code != NULL;
}

/* False when nothing more can be had now. */
static bool take_result(Stream *stream)
{
    PGresult *result = PQgetResult(stream->conn);
    ExecStatusType status = PQresultStatus(result);

    if (!result) {
        stream->state = STREAM_DONE;
        return false;
    }
    if (status == PGRES_COMMAND_OK && strncmp(PQcmdStatus(result), "COPY", 4) == 0)
        stream->rows += strtoll(PQcmdTuples(result), NULL, 10);
    else if (status != PGRES_COMMAND_OK && status != PGRES_COPY_OUT && status != PGRES_TUPLES_OK) {
        const char *code = PQresultErrorField(result, PG_DIAG_SQLSTATE);

        stream->refused = is_of_statement(code);
        fail(stream, result);
    }
    PQclear(result);
    stream->copying = status == PGRES_COPY_OUT;
    return stream->state == STREAM_RUNNING;
}

/* Rows as long as there are some; *ended when the COPY is over. */
static bool take_rows(Stream *stream, StreamTake *take, void *ctx, bool *ended)
{
    char *row;
    int len;

    while ((len = PQgetCopyData(stream->conn, &row, 1)) > 0) {
        bool ok = take(ctx, (Str){row, (size_t)len}, &stream->why);

        PQfreemem(row);
        if (!ok) {
            stream->refused = true;
            stream->state = STREAM_FAILED;
            return false;
        }
    }
    *ended = len < 0; /* and PQgetResult() says whether it failed */
    return true;
}

static void step_running(Stream *stream, StreamTake *take, void *ctx)
{
    bool more = true, ended;

    if (!PQconsumeInput(stream->conn)) {
        fail(stream, NULL);
        return;
    }
    while (more) {
        if (PQtransactionStatus(stream->conn) == PQTRANS_UNKNOWN) {
            fail(stream, NULL);
            return;
        }
        if (stream->copying) {
            if (!take_rows(stream, take, ctx, &ended) || !ended)
                return;
            stream->copying = false;
        }
        more = !PQisBusy(stream->conn) && take_result(stream);
    }
}

void stream_step(Stream *stream, StreamTake *take, void *ctx)
{
    stream->heard = time_now();
    if (stream->state == STREAM_CONNECTING)
        step_connecting(stream);
    else if (stream->state == STREAM_RUNNING)
        step_running(stream, take, ctx);
}

void stream_check(Stream *stream, Instant now, Duration deadline)
{
    bool connecting = stream->state == STREAM_CONNECTING;

    if ((!connecting && stream->state != STREAM_RUNNING) || now - stream->heard <= deadline)
        return;
    stream->state = STREAM_FAILED;
    (void)err_set(&stream->why, ERR_DB,
                  connecting ? "it does not answer" : "it has said nothing for too long");
}
