/* SPDX-License-Identifier: Apache-2.0 */
#include "feed/climb.h"

#include <string.h>

#include "feed/feed_inside.h"
#include "feed/proof.h"

/* A proof that is being made. */
typedef struct Making {
    Feed *feed;
    Arena *arena;
    const FeedRequest *request;
    FeedProof *out;
    bool has_part, has_seek; /* has its place in the proof already */
} Making;

/* A list that is being made; a path in a tree of a thousand blocks has ten nodes. */
typedef struct List {
    TreeNode *at;
    size_t count, room;
} List;

static void make_room(const Making *making, List *list)
{
    enum { ROOM_FIRST = 16 };
    size_t room = list->room ? 2 * list->room : ROOM_FIRST;
    TreeNode *at = arena_new(making->arena, TreeNode, room);

    if (list->count > 0)
        memcpy(at, list->at, list->count * sizeof *at);
    *list = (List){at, list->count, room};
}

static FeedNodeList done(List list)
{
    return (FeedNodeList){list.at, list.count};
}

static bool add(const Making *making, List *list, uint64_t index, Err *err)
{
    if (list->count == FEED_PROOF_NODES_MAX)
        return err_set(err, ERR_USAGE, "the proof would have too many nodes");
    if (list->count == list->room)
        make_room(making, list);
    return feed_nodes_get(making->feed->nodes, index, &list->at[list->count++], NULL, err);
}

/* The leaf or node that the request is about. */
static uint64_t part_index(const FeedRequest *request)
{
    return request->part == FEED_PART_BLOCK ? 2 * request->index : request->index;
}

/* From `from` up to `root`: the node itself, and the siblings on the way. */
static bool prove_seek(Making *making, uint64_t from, uint64_t root, Err *err)
{
    List list = {0};

    making->has_seek = true;
    if (!add(making, &list, from, err))
        return false;
    for (; from != root; from = tree_parent(from))
        if (!add(making, &list, tree_sibling(from), err))
            return false;
    making->out->seek_nodes = done(list);
    return true;
}

/* The block or node and the siblings up to `root`; where the place that was sought is below one of these, its path instead. */
static bool prove_part(Making *making, uint64_t sought, uint64_t root, Err *err)
{
    const FeedRequest *request = making->request;
    List list = {0};

    if (request->part == FEED_PART_NONE)
        return prove_seek(making, sought, root, err);
    making->has_part = true;
    if (request->part == FEED_PART_HASH && !add(making, &list, request->index, err))
        return false;
    for (uint64_t at = part_index(request); at != root; at = tree_parent(at)) {
        uint64_t sibling = tree_sibling(at);
        bool above = request->seek && tree_holds(sibling, sought) && sibling != sought;

        if (above ? !prove_seek(making, sought, sibling, err) : !add(making, &list, sibling, err))
            return false;
    }
    making->out->nodes = done(list);
    return true;
}

/* A node of the longer tree, or in its place what is below it and was asked for, too. */
static bool add_or_part(Making *making, List *list, uint64_t index, uint64_t sub, Err *err)
{
    bool open = !making->has_part && !making->has_seek &&
                (making->request->part != FEED_PART_NONE || making->request->seek);

    if (open && tree_holds(index, sub))
        return prove_part(making, sub, index, err);
    return add(making, list, index, err);
}

/* From `at`, the last leaf that the reader has, up to `root`: what is to the right. */
static bool connect(Making *making, List *list, uint64_t at, uint64_t root, uint64_t sub, Err *err)
{
    uint64_t last = at;

    for (; at != root; at = tree_parent(at)) {
        uint64_t sibling = tree_sibling(at);

        if (sibling > last && !add_or_part(making, list, sibling, sub, err))
            return false;
    }
    return true;
}

/* What makes a tree of `from` blocks one of `to`. `sub`: what else was asked for in there. */
static bool prove_growth(Making *making, uint64_t from, uint64_t to, uint64_t sub, FeedNodeList *out,
                         Err *err)
{
    uint64_t numbers[TREE_ROOTS_MAX];
    size_t count = tree_root_numbers(to, numbers);
    List list = {0};

    for (size_t i = 0; i < count; i++) {
        if (tree_last(numbers[i]) < 2 * from)
            continue;
        if (from > 0 && tree_first(numbers[i]) < 2 * from) {
            if (!connect(making, &list, 2 * from - 2, numbers[i], sub, err))
                return false;
        } else if (!add_or_part(making, &list, numbers[i], sub, err))
            return false;
    }
    *out = done(list);
    return true;
}

/* ---- seeking ---- */

/* The node below `root` at which the byte is, `bytes` from its beginning; as far down as the tree is known here. */
static bool seek_below(Making *making, uint64_t root, uint64_t bytes, uint64_t *out, Err *err)
{
    *out = root;
    while (bytes > 0 && tree_depth(*out) > 0) {
        TreeNode left;
        Err why = {0};

        if (!feed_nodes_get(making->feed->nodes, tree_left(*out), &left, NULL, &why)) {
            if (why.code == ERR_NOT_FOUND)
                return true;
            *err = why;
            return false;
        }
        if (left.size >= bytes) {
            *out = left.index;
            if (left.size == bytes)
                return true;
        } else {
            bytes -= left.size;
            *out = tree_right(*out);
        }
    }
    return true;
}

/* How many bytes are before the first block below a node. */
static bool offset_of(Making *making, uint64_t index, uint64_t *out, Err *err)
{
    const TreeRoots *roots = &making->feed->state.roots;
    TreeNode left;

    *out = 0;
    for (size_t i = 0; i < roots->count; i++) {
        if (!tree_holds(roots->at[i].index, index)) {
            *out += roots->at[i].size;
            continue;
        }
        for (uint64_t at = index; at != roots->at[i].index; at = tree_parent(at)) {
            if (tree_sibling(at) > at)
                continue;
            if (!feed_nodes_get(making->feed->nodes, tree_sibling(at), &left, NULL, err))
                return false;
            *out += left.size;
        }
        return true;
    }
    return err_set(err, ERR_USAGE, "node %llu is not in the tree", (unsigned long long)index);
}

/* In the tree of `length` blocks; the node behind its last one when there are fewer bytes. */
static bool seek_from_start(Making *making, uint64_t length, uint64_t bytes, uint64_t *out, Err *err)
{
    uint64_t numbers[TREE_ROOTS_MAX];
    size_t count = tree_root_numbers(length, numbers);
    TreeNode root;

    for (size_t i = 0; i < count; i++) {
        if (!feed_nodes_get(making->feed->nodes, numbers[i], &root, NULL, err))
            return false;
        if (bytes < root.size)
            return seek_below(making, root.index, bytes, out, err);
        bytes -= root.size;
    }
    *out = 2 * length;
    return true;
}

/* Below `root`, where the reader thinks that the byte is. */
static bool seek_within(Making *making, uint64_t root, uint64_t bytes, uint64_t *out, Err *err)
{
    uint64_t offset;
    TreeNode node;

    if (!offset_of(making, root, &offset, err) ||
        !feed_nodes_get(making->feed->nodes, root, &node, NULL, err))
        return false;
    if (bytes < offset || bytes - offset >= node.size)
        return err_set(err, ERR_USAGE, "byte %llu is not below node %llu", (unsigned long long)bytes,
                       (unsigned long long)root);
    return seek_below(making, root, bytes - offset, out, err);
}

/* ---- the whole ---- */

/* The node to which a request climbs: still in the tree of `to` blocks. */
static bool climb(const FeedRequest *request, uint64_t to, uint64_t *out, Err *err)
{
    uint64_t at = part_index(request);

    for (uint64_t i = 0; i < request->nodes; i++) {
        at = tree_depth(at) < TREE_DEPTH_MAX ? tree_parent(at) : UINT64_MAX;
        if (at == UINT64_MAX || tree_holds(at, 2 * to))
            return err_set(err, ERR_USAGE, "the request climbs out of the tree");
    }
    *out = at;
    return true;
}

static bool check(const Feed *feed, const FeedRequest *request, Err *err)
{
    uint64_t length = feed->state.roots.length;

    if (request->fork != feed->state.fork)
        return err_set(err, ERR_CONFLICT, "the request is for fork %llu, the feed is at fork %llu",
                       (unsigned long long)request->fork, (unsigned long long)feed->state.fork);
    if (request->upgrade &&
        (request->length == 0 || request->start >= length || request->length > length - request->start))
        return err_set(err, ERR_USAGE, "there is no upgrade from %llu by %llu: the feed has %llu blocks",
                       (unsigned long long)request->start, (unsigned long long)request->length,
                       (unsigned long long)length);
    if (request->part != FEED_PART_NONE &&
        (request->index > 2 * TREE_LENGTH_MAX || tree_last(part_index(request)) >= 2 * length))
        return err_set(err, ERR_USAGE, "the request is about what is behind the feed's end");
    if (request->seek && request->part == FEED_PART_NONE && !request->upgrade)
        return err_set(err, ERR_USAGE, "a seek needs a node to start from, or an upgrade");
    return true;
}

/* The part of the request that is in the tree the reader has already. */
static bool prove_old(Making *making, uint64_t to, Err *err)
{
    const FeedRequest *request = making->request;
    uint64_t root = 0, sought = 2 * to;

    return climb(request, to, &root, err) &&
           (!request->seek || seek_within(making, root, request->seek_bytes, &sought, err)) &&
           prove_part(making, sought, root, err);
}

static bool prove_nodes(Making *making, Err *err)
{
    const FeedRequest *request = making->request;
    FeedProof *out = making->out;
    uint64_t head = making->feed->state.roots.length;
    uint64_t to = request->upgrade ? request->start + request->length : head;
    bool old = request->part != FEED_PART_NONE &&
               (!request->upgrade || tree_last(part_index(request)) < 2 * request->start);
    uint64_t sub = request->part != FEED_PART_NONE ? part_index(request) : 2 * head;

    if (request->seek && request->upgrade && request->part != FEED_PART_NONE && !old)
        return err_set(err, ERR_USAGE, "a seek cannot be asked for together with a block of the upgrade");
    if (old && !prove_old(making, to, err))
        return false;
    if (!request->upgrade)
        return true;
    if (!old && request->seek && !seek_from_start(making, to, request->seek_bytes, &sub, err))
        return false;
    return prove_growth(making, request->start, to, sub, &out->upgrade_nodes, err) &&
           (to == head || prove_growth(making, to, head, 2 * head, &out->more_nodes, err));
}

static bool check_list(Feed *feed, FeedNodeList list, Err *err)
{
    for (size_t i = 0; i < list.count; i++)
        if (!feed_climb(feed, &list.at[i], err))
            return false;
    return true;
}

/* All that is sent has to lead to the roots; the nodes beside a block or node do when that does. */
static bool check_made(const Making *making, Err *err)
{
    const FeedProof *proof = making->out;
    Feed *feed = making->feed;
    TreeNode node;

    if (proof->part == FEED_PART_BLOCK) {
        tree_leaf(proof->index, proof->value, &node);
        if (!feed_climb(feed, &node, err))
            return false;
    }
    if (proof->part == FEED_PART_HASH &&
        (!feed_nodes_get(feed->nodes, proof->index, &node, NULL, err) || !feed_climb(feed, &node, err)))
        return false;
    return check_list(feed, proof->seek_nodes, err) && check_list(feed, proof->upgrade_nodes, err) &&
           check_list(feed, proof->more_nodes, err);
}

bool feed_prove(Feed *feed, Arena *arena, const FeedRequest *request, FeedProof *out, Err *err)
{
    const FeedState *state = &feed->state;
    BUF_SCOPE(bytes);
    Making making = {.feed = feed, .arena = arena, .request = request, .out = out};

    if (!check(feed, request, err))
        return false;
    *out = (FeedProof){.fork = request->fork,
                       .part = request->part,
                       .index = request->index,
                       .seek = request->seek,
                       .upgrade = request->upgrade,
                       .seek_bytes = request->seek_bytes,
                       .start = request->start,
                       .length = request->length};
    if (!prove_nodes(&making, err))
        return false;
    if (request->part == FEED_PART_BLOCK) {
        if (!feed_get(feed, request->index, &bytes, err))
            return false;
        out->value = str_copy(arena, buf_str(&bytes));
    }
    if (!check_made(&making, err))
        return false;
    if (request->upgrade)
        out->signature = str_copy(arena, (Str){(const char *)state->signature, state->signature_len});
    if (request->manifest) {
        buf_reset(&bytes);
        feed_identity_put_manifest(&state->identity, &bytes);
        out->manifest = str_copy(arena, buf_str(&bytes));
    }
    return true;
}
