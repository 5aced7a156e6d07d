/* SPDX-License-Identifier: Apache-2.0 */
#include "dataset/stream.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

/* By what the connection or a result says; the first failure counts. */
static void fail(Stream *stream, const PGresult *result)
{
    if (stream->state == STREAM_FAILED)
        return;
    stream->state = STREAM_FAILED;
    (void)db_err_of(stream->conn, result, &stream->why);
}

/* A server that is told to stop says so to everybody, and libpq would print it. */
static void ignore_notice(void *arg, const PGresult *result)
{
    (void)arg;
    (void)result;
}

void stream_open(Stream *stream, const char *dsn)
{
    *stream = (Stream){.conn = PQconnectStart(dsn),
                       .state = STREAM_CONNECTING,
                       .wants = PGRES_POLLING_WRITING,
                       .heard = time_now()};
    if (!stream->conn || PQstatus(stream->conn) == CONNECTION_BAD)
        fail(stream, NULL);
    if (stream->conn)
        (void)PQsetNoticeReceiver(stream->conn, ignore_notice, NULL);
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
    stream->describing = false;
    stream->heard = time_now();
    if (!PQsendQuery(stream->conn, sql))
        fail(stream, NULL);
}

/* Prepared without a name: the description is asked for when that has come back (take_result()). */
void stream_describe(Stream *stream, const char *sql)
{
    stream->state = STREAM_RUNNING;
    stream->rows = 0;
    stream->describing = true;
    stream->heard = time_now();
    if (!PQsendPrepare(stream->conn, "", sql, 0, NULL))
        fail(stream, NULL);
}

void stream_ask(Stream *stream, const char *sql, const char *const *params, int count)
{
    stream->state = STREAM_RUNNING;
    stream->rows = 0;
    stream->describing = false;
    stream->heard = time_now();
    if (!PQsendQueryParams(stream->conn, sql, count, NULL, params, NULL, NULL, 0))
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
    ConnStatusType before = PQstatus(stream->conn);

    stream->wants = PQconnectPoll(stream->conn);
    if (stream->wants == PGRES_POLLING_FAILED) {
        stream->answered =
            before != CONNECTION_BAD && before != CONNECTION_STARTED && before != CONNECTION_MADE;
        fail(stream, NULL);
    } else if (stream->wants == PGRES_POLLING_OK) {
        stream->state = STREAM_READY;
        stream->answered = true;
        stream->heard = time_now();
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

/* Columns that a statement gives, when that was asked for. */
static bool take_columns(Stream *stream, const PGresult *result, StreamTake *take, void *ctx)
{
    BUF_SCOPE(columns);

    for (int i = 0; i < PQnfields(result); i++) {
        buf_printf(&columns, "%u %s", PQftype(result, i), PQfname(result, i));
        buf_put_byte(&columns, '\0');
    }
    if (take(ctx, buf_str(&columns), &stream->why))
        return true;
    stream->refused = true;
    stream->state = STREAM_FAILED;
    return false;
}

static bool take_values(Stream *stream, const PGresult *result, StreamTake *take, void *ctx)
{
    BUF_SCOPE(values);

    for (int row = 0; row < PQntuples(result); row++)
        for (int i = 0; i < PQnfields(result); i++) {
            buf_put_z(&values, PQgetvalue(result, row, i));
            buf_put_byte(&values, '\0');
        }
    stream->rows += PQntuples(result);
    if (take(ctx, buf_str(&values), &stream->why))
        return true;
    stream->refused = true;
    stream->state = STREAM_FAILED;
    return false;
}

/* What was prepared is described, and that is all. */
static bool describe_next(Stream *stream)
{
    if (!stream->describing)
        return false;
    stream->describing = false;
    if (!PQsendDescribePrepared(stream->conn, ""))
        fail(stream, NULL);
    return stream->state == STREAM_RUNNING;
}

/* False when nothing more can be had now. */
static bool take_result(Stream *stream, StreamTake *take, void *ctx)
{
    PGresult *result = PQgetResult(stream->conn);
    ExecStatusType status = PQresultStatus(result);

    if (!result && describe_next(stream))
        return true;
    if (!result && stream->state != STREAM_RUNNING)
        return false;
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
    if (stream->state == STREAM_RUNNING && PQnfields(result) > 0 && status == PGRES_COMMAND_OK)
        (void)take_columns(stream, result, take, ctx);
    if (stream->state == STREAM_RUNNING && status == PGRES_TUPLES_OK)
        (void)take_values(stream, result, take, ctx);
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
        more = !PQisBusy(stream->conn) && take_result(stream, take, ctx);
    }
}

void stream_step(Stream *stream, StreamTake *take, void *ctx)
{
    if (stream->state == STREAM_CONNECTING)
        step_connecting(stream);
    else if (stream->state == STREAM_RUNNING) {
        stream->heard = time_now();
        step_running(stream, take, ctx);
    }
}

void stream_give_up(Stream *stream, const char *fmt, ...)
{
    char text[sizeof stream->why.text];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    stream->state = STREAM_FAILED;
    (void)err_set(&stream->why, ERR_DB, "%s", text);
}
