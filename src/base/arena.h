/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arena -- memory that is freed all at once
 *
 * Every allocation belongs to an arena, and every arena to a lifetime somebody can name: the process, a
 * connection, a request, one turn of a loop. Functions that return memory take the arena first. Nothing
 * in an arena is freed alone. Running out of memory ends the program; sizes that come from outside are
 * checked against a limit before they get here. An arena belongs to one thread at a time.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdalign.h>
#include <stddef.h>

#include "base/attr.h"

typedef struct Arena {
    struct ArenaBlock *block; /* the one allocated from; older ones behind it */
    struct ArenaDefer *defer; /* what to call before the memory goes, newest first */
    char *next, *end;
} Arena;

/* Zeroed memory for `count` objects of `type`. Never NULL. */
#define arena_new(arena, type, count) ((type *)arena_alloc((arena), sizeof(type), alignof(type), (count)))

void *arena_alloc(Arena *arena, size_t size, size_t align, size_t count) ATTR_MALLOC;

/* Call `release(what)` when the arena is reset or freed; the last one registered is called first. */
void arena_defer(Arena *arena, void (*release)(void *), void *what);

/* Forget everything but keep the newest block, so that a loop's next turn allocates nothing. */
void arena_reset(Arena *arena);
void arena_free(Arena *arena);

/* Declares an arena that is freed when the enclosing block ends. */
#define ARENA_SCOPE(name) ATTR_CLEANUP(arena_free) Arena name = {0}

#endif
