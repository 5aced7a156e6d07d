/* SPDX-License-Identifier: Apache-2.0 */
#include "db/pipeline.h"

#include "db/send.h"

bool pipeline_begin(Pipeline *pipeline, Db *db, PipelineFn *answer, void *ctx, Err *err)
{
    *pipeline = (Pipeline){.db = db, .answer = answer, .ctx = ctx};
    if (!db_alive(db))
        return err_set(err, ERR_DB, "the connection is closed");
    return PQenterPipelineMode(db_handle(db)) == 1 || db_err(db, NULL, err);
}

static bool fail(Pipeline *pipeline, const Err *err)
{
    if (!pipeline->failed)
        pipeline->err = *err;
    pipeline->failed = true;
    return false;
}

/* The results of one message sent: one, and then NULL. Those behind a failure are "aborted" and say nothing. */
static bool take_result(Pipeline *pipeline, const PipelineSent *sent, PGresult **out)
{
    Err err = {0};
    PGresult *result = PQgetResult(db_handle(pipeline->db)), *more;
    ExecStatusType status = PQresultStatus(result);

    while (result && (more = PQgetResult(db_handle(pipeline->db))))
        PQclear(more);
    *out = result;
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK)
        return true;
    if (status == PGRES_PIPELINE_ABORTED && pipeline->failed)
        return false;
    (void)db_err(pipeline->db, result, &err);
    (void)err_wrap(&err, "query '%s', number %zu", sent->sql->name, pipeline->answered);
    return fail(pipeline, &err);
}

static void take_answer(Pipeline *pipeline)
{
    const PipelineSent *sent = &pipeline->window[pipeline->answered % PIPELINE_WINDOW];
    Err err = {0};

    if (sent->prepares) {
        RESULT_SCOPE(prepared);
        db_note_prepared(pipeline->db, sent->sql, take_result(pipeline, sent, &prepared));
    }
    RESULT_SCOPE(rows);
    if (take_result(pipeline, sent, &rows) && !pipeline->failed && pipeline->answer &&
        !pipeline->answer(pipeline->ctx, pipeline->answered, rows, &err))
        (void)fail(pipeline, &err);
    pipeline->answered++;
}

/* Asks the server to send what it has, and takes it. */
static bool take_answers(Pipeline *pipeline)
{
    Err err = {0};

    if (!PQsendFlushRequest(db_handle(pipeline->db)) || PQflush(db_handle(pipeline->db)) < 0) {
        (void)db_err(pipeline->db, NULL, &err);
        return fail(pipeline, &err);
    }
    while (pipeline->answered < pipeline->sent)
        take_answer(pipeline);
    return !pipeline->failed;
}

bool pipeline_add(Pipeline *pipeline, const Sql *sql, const DbArg *args)
{
    PipelineSent *sent = &pipeline->window[pipeline->sent % PIPELINE_WINDOW];
    Err err = {0};

    if (pipeline->failed ||
        (pipeline->sent - pipeline->answered == PIPELINE_WINDOW && !take_answers(pipeline)))
        return false;
    sent->sql = sql;
    if (!db_send(pipeline->db, sql, args, &sent->prepares, &err)) {
        (void)err_wrap(&err, "query '%s', number %zu", sql->name, pipeline->sent);
        return fail(pipeline, &err);
    }
    /* it will be there when the next of its name is executed: answers come in order */
    db_note_prepared(pipeline->db, sql, true);
    pipeline->sent++;
    return true;
}

/*
 * A failure of ours, which the server knows nothing of, must undo what it did: a statement that fails does that, in a
 * transaction of the caller's as well.
 */
static void fail_on_server(Pipeline *pipeline)
{
    static const char failure[] = "do $$ begin raise exception 'the program gave up the pipeline'; end $$";

    (void)PQsendQueryParams(db_handle(pipeline->db), failure, 0, NULL, NULL, NULL, NULL, 0);
}

/* Takes away all results up to the answer to the sync, or to the end of the connection. */
static void take_sync(Pipeline *pipeline)
{
    bool synced = false;

    for (int nothing = 0; !synced && nothing < 2;) {
        PGresult *result = PQgetResult(db_handle(pipeline->db));

        nothing = result ? 0 : nothing + 1;
        synced = PQresultStatus(result) == PGRES_PIPELINE_SYNC;
        PQclear(result);
    }
}

bool pipeline_end(Pipeline *pipeline, Err *err)
{
    PGconn *conn = db_handle(pipeline->db);

    if (!conn)
        return err_set(err, ERR_DB, "the connection is closed");
    if (!pipeline->failed)
        (void)take_answers(pipeline);
    if (pipeline->failed)
        fail_on_server(pipeline);
    if (PQpipelineSync(conn) == 1) {
        while (pipeline->answered < pipeline->sent)
            take_answer(pipeline);
        take_sync(pipeline);
    }
    if (PQexitPipelineMode(conn) != 1 && !pipeline->failed) {
        Err broken = {0};

        (void)db_err(pipeline->db, NULL, &broken);
        (void)fail(pipeline, &broken);
    }
    if (pipeline->failed)
        *err = pipeline->err;
    return !pipeline->failed;
}
