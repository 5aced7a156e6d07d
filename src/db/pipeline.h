/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pipeline -- many queries on their way before the first answer is waited for
 *
 *     Pipeline pipeline;
 *     if (!pipeline_begin(&pipeline, db, take_rows, ctx, err))
 *         return false;
 *     for (...)
 *         pipeline_add(&pipeline, &sql_problem_note, args);
 *     return pipeline_end(&pipeline, err);
 *
 * Everything between begin and end is one transaction, unless the connection is in one already: then it is a part of
 * that. After the first failure, of a query or of the caller's function, nothing more is done, what was done is rolled
 * back (the caller's own transaction has failed), and pipeline_end() reports that failure.
 */
#ifndef DB_PIPELINE_H
#define DB_PIPELINE_H

#include "db/db.h"

enum { PIPELINE_WINDOW = 256 }; /* queries that are on their way at most */

/* The answer to the `number`th query (from 0), in the order they were added. */
typedef bool PipelineFn(void *ctx, size_t number, const PGresult *rows, Err *err);

typedef struct PipelineSent {
    const Sql *sql;
    bool prepares; /* two answers will come */
} PipelineSent;

typedef struct Pipeline {
    Db *db;
    PipelineFn *answer;
    void *ctx;
    size_t sent, answered;
    bool failed;
    Err err; /* the first failure */
    PipelineSent window[PIPELINE_WINDOW];
} Pipeline;

/* `answer` may be NULL when only the effect counts. ERR_DB. */
bool pipeline_begin(Pipeline *pipeline, Db *db, PipelineFn *answer, void *ctx, Err *err) ATTR_MUST_USE;

/* Does nothing after a failure. False then, so that a long loop can end early; pipeline_end() is due all the same. */
bool pipeline_add(Pipeline *pipeline, const Sql *sql, const DbArg *args);

/* Wait for all answers. Errors as db_query(); the text begins with the query's name and number. */
bool pipeline_end(Pipeline *pipeline, Err *err) ATTR_MUST_USE;

#endif
