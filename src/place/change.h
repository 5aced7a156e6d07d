/* SPDX-License-Identifier: Apache-2.0 */
/*
 * place/change -- one transaction on all servers of a dataset: all of them commit it, or none
 *
 *     CHANGE_SCOPE(change);
 *     if (!change_begin(&change, place, err) ||
 *         !change_run(&change, &sql_mapping_add, DB_ARGS(...), err) || !change_commit(&change, err))
 *         return false;                      undone at the end of the block unless it was committed
 *
 * Two-phase commit. Each server notes the change's name in the transaction itself (change_log). What a killed process left
 * prepared is settled by whoever begins the next change: where one server has it in its log all others commit it too, else it is
 * rolled back. Changes of one dataset take turns.
 */
#ifndef PLACE_CHANGE_H
#define PLACE_CHANGE_H

#include "place/place.h"

typedef struct Change {
    Place *place;
    Arena arena;
    Db **servers;    /* in the order of the dataset's; NULL: no lock there */
    const char *gid; /* what the transaction is called when it is prepared */
    bool begun;
    size_t refused; /* the server that could not prepare it, or CHANGE_NOBODY */
} Change;

#define CHANGE_NOBODY SIZE_MAX

#define CHANGE_SCOPE(name) ATTR_CLEANUP(change_end) Change name = {0}

/*
 * Wait for other changes, settle what they left, bring system tables of an older program up to this one, and begin a transaction on
 * every server.
 *
 * ERR_DB        a server cannot be reached; or an earlier change cannot be settled without one that cannot
 * ERR_CONFIG    a server allows no prepared transactions (max_prepared_transactions is 0)
 * ERR_CONFLICT  the dataset is on other servers than the Place; or its system tables are of a newer program
 * ERR_DENIED    the role may not bring them up
 */
bool change_begin(Change *change, Place *place, Err *err) ATTR_MUST_USE;

/* The same for who changes which servers the dataset is on. ERR_DB, ERR_CONFIG, ERR_CONFLICT, ERR_DENIED as above. */
bool change_begin_anyway(Change *change, Place *place, Err *err) ATTR_MUST_USE;

/* Wait for other changes and settle what they left, without a transaction: nobody changes anything until change_end(). Errors as above: ERR_DB ... */
bool change_hold(Change *change, Place *place, Err *err) ATTR_MUST_USE;

/* Run the query on every server. Errors as db_query(), with the server's name. */
bool change_run(Change *change, const Sql *sql, const DbArg *args, Err *err) ATTR_MUST_USE;

/* Run on every server the statements that the query gives there: one text. Errors as db_query(), with the server's name. */
bool change_run_made(Change *change, const Sql *sql, const DbArg *args, Err *err) ATTR_MUST_USE;

/*
 * Commit on every server. Once all have prepared it the change counts: a server that goes away then commits it when the next change
 * begins, and this is no failure.
 *
 * ERR_DB  not all could prepare it, so nothing has changed; or all went away at that moment, and the next change tells
 * ERR_USAGE  a temporary table was touched: such a transaction cannot be prepared
 * and what a server refuses: ERR_CONFLICT where a table would have no active copy
 */
bool change_commit(Change *change, Err *err) ATTR_MUST_USE;

/* Undo what is not committed, and let others change. */
void change_end(Change *change);

/* Settle what killed processes left: how many transactions. Errors as change_begin(). */
bool change_settle(Place *place, size_t *settled, Err *err) ATTR_MUST_USE;

#endif
