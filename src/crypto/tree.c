/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/tree.h"

#include <sodium.h>
#include <string.h>

/* ---- numbers ---- */

unsigned tree_depth(uint64_t index)
{
    return (unsigned)__builtin_ctzll(~index);
}

/* The distance from a node to the ends of what it spans: 0 at a leaf, 1 above it, 3 ... */
static uint64_t reach(uint64_t index)
{
    return ((uint64_t)1 << tree_depth(index)) - 1;
}

uint64_t tree_parent(uint64_t index)
{
    uint64_t step = (uint64_t)1 << tree_depth(index);

    return (index | step) & ~(step << 1);
}

uint64_t tree_sibling(uint64_t index)
{
    return index ^ ((uint64_t)2 << tree_depth(index));
}

uint64_t tree_left(uint64_t index)
{
    return index - (reach(index) + 1) / 2;
}

uint64_t tree_right(uint64_t index)
{
    return index + (reach(index) + 1) / 2;
}

uint64_t tree_first(uint64_t index)
{
    return index - reach(index);
}

uint64_t tree_last(uint64_t index)
{
    return index + reach(index);
}

bool tree_holds(uint64_t index, uint64_t below)
{
    return below >= tree_first(index) && below <= tree_last(index);
}

size_t tree_root_numbers(uint64_t length, uint64_t out[TREE_ROOTS_MAX])
{
    size_t count = 0;
    uint64_t start = 0; /* leaves to the left of the next root, twice */

    for (int bit = TREE_ROOTS_MAX - 1; bit >= 0; bit--) {
        uint64_t span = (uint64_t)1 << bit;

        if (!(length & span))
            continue;
        out[count++] = start + span - 1;
        start += 2 * span;
    }
    return count;
}

/* ---- hashes ---- */

static void put_number(unsigned char out[8], uint64_t number)
{
    for (int i = 0; i < 8; i++)
        out[i] = (unsigned char)(number >> (8 * i));
}

/* The kinds of what is hashed never mix: each begins with a byte of its own. */
enum { KIND_LEAF, KIND_PARENT, KIND_ROOTS };

enum {
    HEAD_BYTES = 1 + 8,
    SHORT_BYTES = 503, /* with the head four blocks of BLAKE2b */
    ROOT_BYTES = TREE_HASH_BYTES + 8 + 8,
};

/* All at once: where little is hashed, BLAKE2b in four parts takes a third more than in one. */
static void hash(const unsigned char *bytes, size_t len, unsigned char out[TREE_HASH_BYTES])
{
    (void)crypto_generichash(out, TREE_HASH_BYTES, bytes, len, NULL, 0);
}

static void hash_long(const unsigned char head[HEAD_BYTES], Str bytes, unsigned char out[TREE_HASH_BYTES])
{
    crypto_generichash_state state;

    (void)crypto_generichash_init(&state, NULL, 0, TREE_HASH_BYTES);
    (void)crypto_generichash_update(&state, head, HEAD_BYTES);
    (void)crypto_generichash_update(&state, (const unsigned char *)bytes.ptr, bytes.len);
    (void)crypto_generichash_final(&state, out, TREE_HASH_BYTES);
}

void tree_leaf(uint64_t block, Str bytes, TreeNode *out)
{
    unsigned char all[HEAD_BYTES + SHORT_BYTES];

    out->index = 2 * block;
    out->size = bytes.len;
    all[0] = KIND_LEAF;
    put_number(all + 1, bytes.len);
    if (bytes.len > SHORT_BYTES) {
        hash_long(all, bytes, out->hash);
        return;
    }
    if (bytes.len > 0)
        memcpy(all + HEAD_BYTES, bytes.ptr, bytes.len);
    hash(all, HEAD_BYTES + bytes.len, out->hash);
}

bool tree_join(const TreeNode *a, const TreeNode *b, TreeNode *out)
{
    const TreeNode *left = a->index < b->index ? a : b, *right = left == a ? b : a;
    unsigned char all[HEAD_BYTES + 2 * TREE_HASH_BYTES];
    uint64_t size;

    if (tree_sibling(left->index) != right->index || __builtin_add_overflow(left->size, right->size, &size))
        return false;
    all[0] = KIND_PARENT;
    put_number(all + 1, size);
    memcpy(all + HEAD_BYTES, left->hash, TREE_HASH_BYTES);
    memcpy(all + HEAD_BYTES + TREE_HASH_BYTES, right->hash, TREE_HASH_BYTES);
    out->index = tree_parent(left->index);
    out->size = size;
    hash(all, sizeof all, out->hash);
    return true;
}

bool tree_node_equal(const TreeNode *a, const TreeNode *b)
{
    return a->index == b->index && a->size == b->size && memcmp(a->hash, b->hash, TREE_HASH_BYTES) == 0;
}

void tree_hash(const TreeNode *roots, size_t count, unsigned char out[TREE_HASH_BYTES])
{
    unsigned char all[1 + ROOT_BYTES * TREE_ROOTS_MAX], *at = all + 1;

    all[0] = KIND_ROOTS;
    for (size_t i = 0; i < count; i++, at += ROOT_BYTES) {
        memcpy(at, roots[i].hash, TREE_HASH_BYTES);
        put_number(at + TREE_HASH_BYTES, roots[i].index);
        put_number(at + TREE_HASH_BYTES + 8, roots[i].size);
    }
    hash(all, (size_t)(at - all), out);
}

/* ---- a tree that grows ---- */

size_t tree_add(TreeRoots *roots, const TreeNode *leaf, TreeNode *made)
{
    TreeNode top = *leaf;
    size_t count = 0;
    uint64_t bytes;

    if (roots->length == TREE_LENGTH_MAX || __builtin_add_overflow(roots->bytes, leaf->size, &bytes))
        return 0;
    if (made)
        made[count] = top;
    count++;
    while (roots->count > 0 && tree_join(&roots->at[roots->count - 1], &top, &top)) {
        roots->count--;
        if (made)
            made[count] = top;
        count++;
    }
    roots->at[roots->count++] = top;
    roots->length++;
    roots->bytes = bytes;
    return count;
}
