/* SPDX-License-Identifier: Apache-2.0 */
/*
 * storm -- random changes to a small tree with few names, so that names are given away and taken again all the time
 *
 * Whether a change succeeds depends on what is there, and on what others do. The same seed makes the same storm.
 */
#ifndef TEST_STORM_H
#define TEST_STORM_H

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/os.h"

static uint64_t storm_seed;

static inline uint64_t storm_random(uint64_t below)
{
    storm_seed ^= storm_seed << 13;
    storm_seed ^= storm_seed >> 7;
    storm_seed ^= storm_seed << 17;
    return (storm_seed >> 11) % below;
}

enum { STORM_PATH = 200 };

/* Some names are not UTF-8, or have to be escaped. */
static inline void storm_path(char out[STORM_PATH], const char *dir)
{
    static const char names[] = "abcde\x01\xff";
    int depth = 1 + (int)storm_random(4), at = snprintf(out, STORM_PATH, "%s", dir);

    for (int i = 0; i < depth; i++)
        at += snprintf(out + at, STORM_PATH - (size_t)at, "/%c", names[storm_random(sizeof names - 1)]);
}

static inline void storm_append(const char *path)
{
    FILE *file = fopen(path, "a");

    if (!file)
        return;
    (void)fprintf(file, "%*d", (int)storm_random(100), 1);
    (void)fclose(file);
}

/*
 * Links lead down only, so that what is called something may be something else's inside. One with ".." in it leads
 * out of the tree in a few steps: such a storm has changed the modes of the directories above it, /tmp among them.
 */
static inline void storm_link(const char *path)
{
    static const char *const targets[] = {"a", "b", "c", "a/b", "b/c/d", "nowhere"};

    (void)!symlink(targets[storm_random(COUNT_OF(targets))], path);
}

static inline void storm_remove(const char *path)
{
    Err ignored;

    if (storm_random(3) == 0)
        (void)!os_remove_tree(path, &ignored);
    else
        (void)rmdir(path);
}

/* One change below `dir`; now and then something moves to or from `outside`, which may be `dir` as well. */
static inline void storm_change(const char *dir, const char *outside)
{
    char path[STORM_PATH], other[STORM_PATH];

    storm_path(path, dir);
    storm_path(other, storm_random(20) ? dir : outside);
    switch (storm_random(14)) {
    case 0:
    case 1:
    case 2:
        storm_append(path);
        break;
    case 3:
    case 4:
    case 5:
        (void)mkdir(path, 0755);
        break;
    case 6:
        (void)unlink(path);
        break;
    case 7:
        storm_remove(path);
        break;
    case 8:
    case 9:
        (void)rename(path, other);
        break;
    case 10:
        (void)rename(other, path);
        break;
    case 11:
        (void)renameat2(AT_FDCWD, path, AT_FDCWD, other, RENAME_EXCHANGE);
        break;
    case 12:
        storm_link(path);
        break;
    default:
        (void)chmod(path, storm_random(2) ? 0700 : 0750);
    }
}

#endif
