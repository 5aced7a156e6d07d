/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct ArenaBlock {
    struct ArenaBlock *prev;
    char *end;
    alignas(max_align_t) char data[];
} ArenaBlock;

typedef struct ArenaDefer {
    struct ArenaDefer *prev;
    void (*release)(void *);
    void *what;
} ArenaDefer;

/* Each block is twice as large as the one before, so an arena that is reset soon lives in one block. */
enum { BLOCK_BYTES = 32 * 1024, BLOCK_BYTES_MAX = 16 * 1024 * 1024 };

static void grow(Arena *arena, size_t need)
{
    size_t before = arena->block ? (size_t)(arena->block->end - arena->block->data) : BLOCK_BYTES / 2;
    size_t bytes = before < BLOCK_BYTES_MAX / 2 ? before * 2 : BLOCK_BYTES_MAX;

    if (bytes < need)
        bytes = need;
    ArenaBlock *block = malloc(sizeof *block + bytes);

    if (!block) {
        (void)fputs("out of memory\n", stderr);
        abort();
    }
    block->prev = arena->block;
    block->end = block->data + bytes;
    arena->block = block;
    arena->next = block->data;
    arena->end = block->end;
}

void *arena_alloc(Arena *arena, size_t size, size_t align, size_t count)
{
    if (count != 0 && size > SIZE_MAX / 2 / count)
        abort();

    size_t bytes = size * count;
    size_t pad = -(uintptr_t)arena->next & (align - 1);

    if (!arena->block || bytes + pad > (size_t)(arena->end - arena->next)) {
        grow(arena, bytes + align);
        pad = -(uintptr_t)arena->next & (align - 1);
    }
    void *out = arena->next + pad;
    arena->next += pad + bytes;
    return memset(out, 0, bytes);
}

void arena_defer(Arena *arena, void (*release)(void *), void *what)
{
    ArenaDefer *defer = arena_new(arena, ArenaDefer, 1);

    *defer = (ArenaDefer){.prev = arena->defer, .release = release, .what = what};
    arena->defer = defer;
}

static void run_deferred(Arena *arena)
{
    for (ArenaDefer *defer = arena->defer; defer; defer = defer->prev)
        defer->release(defer->what);
    arena->defer = NULL;
}

static void free_blocks(ArenaBlock *block)
{
    for (ArenaBlock *prev; block; block = prev) {
        prev = block->prev;
        free(block);
    }
}

void arena_reset(Arena *arena)
{
    run_deferred(arena);
    if (!arena->block)
        return;
    free_blocks(arena->block->prev);
    arena->block->prev = NULL;
    arena->next = arena->block->data;
    arena->end = arena->block->end;
}

void arena_free(Arena *arena)
{
    run_deferred(arena);
    free_blocks(arena->block);
    *arena = (Arena){0};
}
