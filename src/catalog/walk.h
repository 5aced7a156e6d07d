/* SPDX-License-Identifier: Apache-2.0 */
/*
 * walk -- a directory tree, read by several threads and delivered directory by directory
 *
 * The sink gets every directory's entries with their facts, a large directory's in pieces. A path that
 * cannot be read is a problem, not an end; one that vanishes while it is looked at is not even that.
 * Nothing outside the root is reached through a link that is put in a directory's place meanwhile.
 *
 * Memory: names of directories still to be read are kept last in, first out. While they take more than
 * WALK_QUEUE_BYTES, a directory is left after each piece and taken up again after what was found in it, so
 * a tree of any width needs at most WALK_QUEUE_BYTES, and for each level of depth and each thread one piece
 * (of at most WALK_PIECE_BYTES of the kernel's directory entries).
 *
 * Paths of any length: what is longer than the kernel takes in one call is opened in steps.
 */
#ifndef CATALOG_WALK_H
#define CATALOG_WALK_H

#include <stdatomic.h>

#include "catalog/posix.h"

enum { WALK_QUEUE_BYTES = 16 * 1024 * 1024, WALK_PIECE_BYTES = 64 * 1024, WALK_THREADS_MAX = 256 };

typedef struct WalkEntry {
    Str name; /* the kernel's bytes */
    Str text; /* escaped as in pathname.h; usually the same */
    PosixFacts facts;
} WalkEntry;

/*
 * A piece of a directory. All of it is valid during the call only; names of users and groups as long as
 * the walk, or as long as WalkOptions' `names`.
 */
typedef struct WalkDir {
    Str path, text;   /* the directory's, normal: the kernel's bytes, and escaped */
    PosixFacts facts; /* as they were before the first entry was read */
    int depth;        /* below the root, which has 0 */
    int thread;       /* 0 .. threads - 1: one thread is in one call at a time */
    int fd;           /* open for reading: for what is opened beside the walk; -1 when `unchanged` */
    bool first, last; /* of its pieces; no `last` ever comes for a directory that fails half way */
    bool unchanged;   /* the sink said so: there are no entries, and first and last are both set */
    /*
     * The directory was not an entry of an earlier call: it is the root, or its parent was unchanged. So
     * who keeps a record of every path writes every entry, and the directory itself where this is set.
     */
    bool unlisted;
    const WalkEntry *entries;
    size_t count;
} WalkDir;

/* The answer to `unchanged`. */
typedef struct WalkKnown {
    bool unchanged; /* do not read it: its entries are known */
    const Str
        *subdirs; /* which directories are in it, as the kernel's bytes; they are asked for one by one */
    size_t count;
} WalkKnown;

/* Called by all threads at once. */
typedef struct WalkSink {
    void *ctx;

    /* A piece of a directory. False, with an Err, ends the walk. */
    bool (*dir)(void *ctx, const WalkDir *dir, Err *err);

    /*
     * May be NULL. Is the directory, by its `path` and `facts`, what it was the last time? A directory that
     * was changed just before it was read last time may have been changed again since within the same
     * tick of the clock: take those with an mtime or ctime less than a second before that for changed.
     */
    bool (*unchanged)(void *ctx, const WalkDir *dir, Arena *arena, WalkKnown *out, Err *err);

    /* What could not be done ("open directory", "read link") with `path` (the kernel's bytes), and errno. */
    void (*problem)(void *ctx, Str path, const char *what, int error);
} WalkSink;

/*
 * A pattern (glob(7)) with a slash is matched with the path below the root, one without with the name;
 * `*` also matches slashes, as with find -path. An excluded directory is not read. With `include`, what is
 * not a directory is only delivered if one of them matches.
 */
typedef struct WalkOptions {
    const Str *include, *exclude;
    size_t include_count, exclude_count;
    Str start;     /* of the tree only this directory in it (absolute, normal) and what is below; empty:
                                all. What the walk of all would not reach by now is nothing, and no error */
    int threads;   /* 0: twice the cores, and at least 4; the caller's own is one of them */
    int max_depth; /* of delivered entries, the root's own being at 1; 0: any */
    bool cross_file_systems; /* go into what is mounted below the root */
    bool follow_links;       /* facts are of what a link leads to; a loop is a problem (ELOOP) */
    bool xattrs;
    size_t queue_bytes;          /* 0: WALK_QUEUE_BYTES */
    int left_open;               /* how many directories that were left stay open; 0: 128, less: none */
    uint64_t entries_per_second; /* 0: as fast as it goes */
    PosixNames *names;           /* may be NULL; else they are shared with, and last for, other walks */
    const atomic_bool *stop;     /* may be NULL; when it turns true the walk ends with ERR_INTERRUPTED */
} WalkOptions;

typedef struct WalkTotals {
    uint64_t directories;  /* read, or known and unchanged */
    uint64_t unchanged;    /* of these */
    uint64_t entries;      /* delivered, directories among them */
    uint64_t problems;     /* told */
    uint64_t vanished;     /* seen in a directory and gone when looked at */
    uint64_t queued_bytes; /* the most that waiting directories took */
} WalkTotals;

/*
 * Walk the tree at `root` (absolute, the kernel's bytes; a link is followed) until all of it is delivered.
 *
 * ERR_USAGE        the root is not an absolute path, or not a directory
 * ERR_NOT_FOUND    there is no such path
 * ERR_DENIED       the root may not be read
 * ERR_IO           it cannot be opened
 * ERR_INTERRUPTED  options->stop
 * and what the sink raised. `out` says how far it came in any case.
 */
bool walk_run(Str root, const WalkOptions *options, const WalkSink *sink, WalkTotals *out,
              Err *err) ATTR_MUST_USE;

/*
 * Whether a walk could begin at `root`, for who notes down that one did.
 *
 * ERR_USAGE, ERR_NOT_FOUND, ERR_DENIED, ERR_IO  as walk_run() would
 */
bool walk_check_root(Str root, Err *err) ATTR_MUST_USE;

/*
 * The facts of one path, as walk_run() of the directory `root` would deliver them: no link below the root is
 * followed. The path may be the root itself.
 *
 * ERR_NOT_FOUND  there is no such path
 * ERR_IO         it cannot be looked at
 */
bool walk_stat(Arena *arena, PosixNames *names, Str root, Str path, PosixFacts *out, Err *err) ATTR_MUST_USE;

/*
 * Open a regular file for reading, never waiting for a pipe and never touching a device. `below` is its path
 * below the directory `root` (the kernel's bytes, no slash at the start), of any length; links are not
 * followed. The caller closes *out.
 *
 * ERR_NOT_FOUND  it is not there, or no longer a file
 * ERR_IO         it cannot be opened
 */
bool walk_open_file(int root, Str below, int *out, Err *err) ATTR_MUST_USE;

#endif
