/* SPDX-License-Identifier: Apache-2.0 */
/* row_file -- where rows go: a file that gets its name when it is complete, or standard output */
#ifndef CLI_ROW_FILE_H
#define CLI_ROW_FILE_H

#include "cli/cmd.h"

typedef struct RowFile {
    const char *path, *part; /* NULL: standard output */
    int fd;                  /* to write to */
    bool copied;             /* at the end, to standard output */
} RowFile;

#define ROW_FILE_SCOPE(name) ATTR_CLEANUP(row_file_end) RowFile name = {.fd = -1}

/*
 * `path`: empty or "-" is standard output; for what has to seek it becomes a file in `dir`, which is copied when it is complete.
 *
 * ERR_IO  it cannot be written
 */
bool row_file_open(Arena *arena, Str path, bool seeks, const char *dir, RowFile *out, Err *err) ATTR_MUST_USE;

/* It is complete. ERR_IO. */
bool row_file_keep(RowFile *file, Err *err) ATTR_MUST_USE;

/* What was not kept is removed. */
void row_file_end(RowFile *file);

#endif
