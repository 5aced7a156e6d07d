/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dataset/stream -- one connection to a server that runs one COPY TO after another, without ever waiting
 *
 * libpq has no time-out for reads, so a server that hangs would hold up who waits for it: here poll(2) waits, for many at once, and
 * stream_step() takes what is there.
 *
 *     stream_open(&stream, dsn)  ...  poll(stream_fd(), stream_events())  ...  stream_step()
 */
#ifndef DATASET_STREAM_H
#define DATASET_STREAM_H

#include "db/db.h"

typedef enum StreamState {
    STREAM_OFF, /* not connected */
    STREAM_CONNECTING,
    STREAM_READY, /* it can be given something to run */
    STREAM_RUNNING,
    STREAM_DONE,  /* what it ran came to its end: stream_rows(); ready for more */
    STREAM_FAILED /* stream.why; nothing but stream_close() helps */
} StreamState;

typedef struct Stream {
    PGconn *conn;
    StreamState state;
    PostgresPollingStatusType wants; /* while it connects */
    Instant heard;   /* when something came last, or it was asked; while it connects: when that began */
    bool copying;    /* rows come, until the end of a COPY */
    bool describing; /* it was asked what a statement gives, and not for rows */
    bool answered;   /* there is a server, whatever it said */
    int64_t rows;
    bool refused; /* it failed by what the server said to the statement: elsewhere it would say the same */
    Err why;
} Stream;

/* Begin to connect. What goes wrong is told by the state. */
void stream_open(Stream *stream, const char *dsn);
void stream_close(Stream *stream);

/* Run statements, one of which is a COPY TO STDOUT. It is ready or done. */
void stream_run(Stream *stream, const char *sql);

/*
 * Ask what a statement would give, and run nothing: "TYPE NAME" and a zero byte for each column, where TYPE is the number that PostgreSQL has
 * for it. It is ready or done.
 */
void stream_describe(Stream *stream, const char *sql);

/* Run one statement with parameters, and have its rows: each value as text with a zero byte behind it, a null as nothing. Ready or done. */
void stream_ask(Stream *stream, const char *sql, const char *const *params, int count);

int stream_fd(const Stream *stream);       /* -1: there is nothing to wait for */
short stream_events(const Stream *stream); /* for poll(2) */

/* Gets the bytes that came. */
typedef bool StreamTake(void *ctx, Str bytes, Err *err);

/* Take what is there. When `take` fails, so does the stream. */
void stream_step(Stream *stream, StreamTake *take, void *ctx);

/* It has failed, by what whoever waits for it knows. */
void stream_give_up(Stream *stream, const char *fmt, ...) ATTR_PRINTF(2, 3);

#endif
