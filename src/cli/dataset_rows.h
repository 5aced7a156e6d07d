/* SPDX-License-Identifier: Apache-2.0 */
/* dataset_rows -- what the commands that give rows of a dataset have in common: their options, where rows go, the report */
#ifndef CLI_DATASET_ROWS_H
#define CLI_DATASET_ROWS_H

#include "cli/datasets.h"
#include "dataset/extract.h"

typedef struct RowsOpts {
    Str output, report, spool;
    int64_t memory, connections;
    Duration deadline;
} RowsOpts;

/* Rows of the table `opts` of a command whose options struct has a RowsOpts named `rows`. */
#define ROWS_OPTIONS(type)                                                                                   \
    {                                                                                                        \
        OPT_TEXT, "output",                                                                                  \
        'o',      offsetof(type, rows.output),                                                               \
        "FILE",   "where rows go; else to standard output"},                                                 \
        {OPT_TEXT, "report",                                                                                 \
         0,        offsetof(type, rows.report),                                                              \
         "FILE",   "write there, as JSON, what columns there are, and what was asked for again and why"},    \
        {OPT_COUNT, "connections",                                                                           \
         'c',       offsetof(type, rows.connections),                                                        \
         "N",       "connections to a server at most (default 2)",                                           \
         .min = 1,  .max = 64},                                                                              \
        {OPT_BYTES, "memory",                                                                                \
         0,         offsetof(type, rows.memory),                                                             \
         "SIZE",    "for rows that are not passed on yet, of all tables; more goes to files (default 32M)"}, \
        {OPT_TEXT, "spool",                                                                                  \
         0,        offsetof(type, rows.spool),                                                               \
         "DIR",    "where such files are made (default: the directory of FILE, or $TMPDIR)"},                \
    {                                                                                                        \
        OPT_DURATION, "deadline", 0, offsetof(type, rows.deadline), "TIME",                                  \
            "a server that answers nothing for so long, not even a new connection, is given up "             \
            "(default: the dataset's)"                                                                       \
    }

/* Names of formats, as RowFormatName; ended by NULL. */
#define ROWS_FORMATS "csv", "jsonl", "binary", "fits", "hdf5", "votable", NULL

/*
 * Run it, with where rows go and how as `opts` says; what `extract` has of that is not looked at. Prints the sums when rows went to a file.
 *
 * Errors as extract_run(), and ERR_IO: a file cannot be written.
 */
bool dataset_rows(const Call *call, const RowsOpts *opts, const Dataset *dataset, const Extract *extract,
                  Err *err) ATTR_MUST_USE;

#endif
