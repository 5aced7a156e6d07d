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

static void add_number(crypto_generichash_state *state, uint64_t number)
{
    unsigned char bytes[8];

    put_number(bytes, number);
    (void)crypto_generichash_update(state, bytes, sizeof bytes);
}

/* The kinds of what is hashed never mix: each begins with a byte of its own. */
enum { KIND_LEAF, KIND_PARENT, KIND_ROOTS };

static void begin(crypto_generichash_state *state, unsigned char kind)
{
    (void)crypto_generichash_init(state, NULL, 0, TREE_HASH_BYTES);
    (void)crypto_generichash_update(state, &kind, 1);
}

void tree_leaf(uint64_t block, Str bytes, TreeNode *out)
{
    crypto_generichash_state state;

    out->index = 2 * block;
    out->size = bytes.len;
    begin(&state, KIND_LEAF);
    add_number(&state, bytes.len);
    (void)crypto_generichash_update(&state, (const unsigned char *)bytes.ptr, bytes.len);
    (void)crypto_generichash_final(&state, out->hash, TREE_HASH_BYTES);
}

bool tree_join(const TreeNode *a, const TreeNode *b, TreeNode *out)
{
    const TreeNode *left = a->index < b->index ? a : b, *right = left == a ? b : a;
    TreeNode parent = {.index = tree_parent(left->index)};
    crypto_generichash_state state;

    if (tree_sibling(left->index) != right->index ||
        __builtin_add_overflow(left->size, right->size, &parent.size))
        return false;
    begin(&state, KIND_PARENT);
    add_number(&state, parent.size);
    (void)crypto_generichash_update(&state, left->hash, TREE_HASH_BYTES);
    (void)crypto_generichash_update(&state, right->hash, TREE_HASH_BYTES);
    (void)crypto_generichash_final(&state, parent.hash, TREE_HASH_BYTES);
    *out = parent;
    return true;
}

bool tree_node_equal(const TreeNode *a, const TreeNode *b)
{
    return a->index == b->index && a->size == b->size && memcmp(a->hash, b->hash, TREE_HASH_BYTES) == 0;
}

void tree_hash(const TreeNode *roots, size_t count, unsigned char out[TREE_HASH_BYTES])
{
    crypto_generichash_state state;

    begin(&state, KIND_ROOTS);
    for (size_t i = 0; i < count; i++) {
        (void)crypto_generichash_update(&state, roots[i].hash, TREE_HASH_BYTES);
        add_number(&state, roots[i].index);
        add_number(&state, roots[i].size);
    }
    (void)crypto_generichash_final(&state, out, TREE_HASH_BYTES);
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
