/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/walk_queue.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/lock.h"
#include "base/os.h"

void walk_queue_init(WalkQueue *queue, size_t limit_bytes)
{
    *queue = (WalkQueue){.limit = limit_bytes};
    (void)pthread_mutex_init(&queue->mutex, NULL);
    (void)pthread_cond_init(&queue->changed, NULL);
}

void walk_queue_release(WalkQueue *queue)
{
    while (queue->top) {
        WalkNode *node = queue->top;

        queue->top = node->below;
        walk_node_drop(node);
    }
    (void)pthread_cond_destroy(&queue->changed);
    (void)pthread_mutex_destroy(&queue->mutex);
}

/* What a node takes of the heap, with the allocator's own header. */
static size_t weight(const WalkNode *node)
{
    return sizeof *node + node->name_len + 17 + (node->pause ? sizeof *node->pause : 0);
}

WalkNode *walk_node_new(WalkNode *parent, Str name, bool unlisted)
{
    WalkNode *node = malloc(sizeof *node + name.len + 1);

    if (!node) {
        (void)fputs("out of memory\n", stderr);
        abort();
    }
    *node = (WalkNode){.parent = parent, .name_len = (uint32_t)name.len, .unlisted = unlisted};
    atomic_init(&node->refs, 1);
    if (name.len)
        memcpy(node->name, name.ptr, name.len);
    node->name[name.len] = '\0';
    if (parent) {
        node->depth = parent->depth + 1;
        (void)atomic_fetch_add_explicit(&parent->refs, 1, memory_order_relaxed);
    }
    return node;
}

void walk_node_drop(WalkNode *node)
{
    while (node && atomic_fetch_sub_explicit(&node->refs, 1, memory_order_acq_rel) == 1) {
        WalkNode *parent = node->parent;

        if (node->pause)
            os_close(&node->pause->fd);
        free(node->pause);
        free(node);
        node = parent;
    }
}

void walk_queue_push(WalkQueue *queue, WalkNode *first)
{
    WalkNode *last = first;
    size_t bytes = weight(first);

    for (; last->below; last = last->below)
        bytes += weight(last->below);

    LOCK_SCOPE(held, &queue->mutex);
    last->below = queue->top;
    queue->top = first;
    queue->bytes += bytes;
    if (queue->bytes > queue->most_bytes)
        queue->most_bytes = queue->bytes;
    atomic_store_explicit(&queue->full, queue->bytes > queue->limit, memory_order_relaxed);
    (void)pthread_cond_broadcast(&queue->changed);
}

WalkNode *walk_queue_pop(WalkQueue *queue, bool was_busy)
{
    LOCK_SCOPE(held, &queue->mutex);

    queue->busy -= was_busy;
    while (!queue->top && queue->busy > 0 && !queue->ended)
        (void)pthread_cond_wait(&queue->changed, &queue->mutex);
    if (!queue->top || queue->ended) {
        (void)pthread_cond_broadcast(&queue->changed);
        return NULL;
    }
    WalkNode *node = queue->top;
    queue->top = node->below;
    node->below = NULL;
    queue->bytes -= weight(node);
    atomic_store_explicit(&queue->full, queue->bytes > queue->limit, memory_order_relaxed);
    queue->busy++;
    return node;
}

void walk_queue_end(WalkQueue *queue)
{
    LOCK_SCOPE(held, &queue->mutex);
    queue->ended = true;
    (void)pthread_cond_broadcast(&queue->changed);
}
