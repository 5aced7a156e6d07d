/* SPDX-License-Identifier: Apache-2.0 */
/*
 * os -- the system calls this project makes, behind one seam
 *
 * Thin: each returns what the call returns and sets errno. Every call first asks fault_next() (see
 * base/fault.h), so one loop in a test can make the 1st, 2nd, 3rd ... call fail and check what is left
 * behind. Calls that wait are repeated when a signal that nobody asked about interrupts them.
 */
#ifndef BASE_OS_H
#define BASE_OS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/buf.h"

int os_open(const char *path, int flags, mode_t mode); /* O_CLOEXEC is added */
int os_open_at(int dir, const char *path, int flags, mode_t mode);
ssize_t os_read(int fd, void *data, size_t len);
ssize_t os_pread(int fd, void *data, size_t len, off_t at);
ssize_t os_pwrite(int fd, const void *data, size_t len, off_t at);
ssize_t os_write(int fd, const void *data, size_t len);
int os_fsync(int fd);
int os_fdatasync(int fd);
int os_punch_hole(int fd, off_t at, off_t len); /* gives the space back; the bytes read as zeros */
int os_rename(const char *from, const char *to);
int os_unlink(const char *path);
int os_mkdir(const char *path, mode_t mode);
int os_ftruncate(int fd, off_t len);
int os_statx(int dir, const char *path, int flags, unsigned mask, struct statx *out);
ssize_t os_readlink_at(int dir, const char *path, char *out, size_t size);
ssize_t os_getdents(int fd, void *entries,
                    size_t size); /* struct dirent64, one after another; 0 at the end */

/*
 * Open `path` below `dir` without following a link in any of its parts: ELOOP where there is one. On a
 * kernel without openat2(2) (before 5.6, or a container that forbids it) only the last part is safe.
 */
int os_open_below(int dir, const char *path, int flags);

/* Closes *fd if open. */
void os_close(int *fd);

/* Declares a descriptor that is closed when the enclosing block ends. */
#define FD_SCOPE(name) ATTR_CLEANUP(os_close) int name = -1

/*
 * The whole of a file, appended to `out`.
 *
 * ERR_NOT_FOUND  there is no such file
 * ERR_IO         it cannot be opened or read
 * ERR_LIMIT      it is longer than `max` bytes
 */
bool os_read_file(const char *path, size_t max, Buf *out, Err *err) ATTR_MUST_USE;

/* All of `data` at a place of a file. ERR_IO with err->sys; some of it may have been written. */
bool os_pwrite_all(int fd, Str data, off_t at, Err *err) ATTR_MUST_USE;

/* `len` bytes from a place of a file, fewer at its end: *got. ERR_IO. */
bool os_pread_all(int fd, void *data, size_t len, off_t at, size_t *got, Err *err) ATTR_MUST_USE;

/* Write all of `data`. ERR_IO with err->sys; some of it may have been written. */
bool os_write_all(int fd, Str data, Err *err) ATTR_MUST_USE;

/*
 * Put `data` at `path` so that a reader, or the next start after a crash, finds the old file or the new
 * one and never a part: written beside its place, synced, renamed, and the directory synced.
 *
 * ERR_IO  nothing changed at `path`
 */
bool os_write_file(const char *path, Str data, mode_t mode, Err *err) ATTR_MUST_USE;

/* Wait until the names in a directory (files made, renamed, removed) are on stable storage. ERR_IO. */
bool os_sync_dir(const char *path, Err *err) ATTR_MUST_USE;

/* Make a directory and what is missing above it; no error when it exists. ERR_IO. */
bool os_make_dirs(const char *path, mode_t mode, Err *err) ATTR_MUST_USE;

/* Remove a file or a whole directory tree; no error when there is none. ERR_IO. */
bool os_remove_tree(const char *path, Err *err) ATTR_MUST_USE;

#endif
