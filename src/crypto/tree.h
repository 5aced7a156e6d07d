/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree -- the Merkle tree over the blocks of a feed, as hypercore numbers and hashes it (facts: echo 3.7)
 *
 * Nodes have the numbers of a flat tree: block i is the leaf 2i, and a parent stands between its children.
 *
 *     depth 2         3
 *     depth 1     1       5
 *     depth 0   0   2   4   6   8 ...        blocks 0, 1, 2, 3, 4
 *
 * A tree of n blocks is described by its roots, the largest full trees from left to right: those of 5 are 3 and 8.
 * All hashes are BLAKE2b-256; a node's size is the number of bytes in all blocks below it.
 */
#ifndef CRYPTO_TREE_H
#define CRYPTO_TREE_H

#include "base/str.h"

enum {
    TREE_HASH_BYTES = 32,
    TREE_ROOTS_MAX = 62, /* a root for each bit of a length */
    TREE_DEPTH_MAX = 62,
};

/* Lengths beyond are refused: all numbers of nodes stay below 2^63. */
#define TREE_LENGTH_MAX ((uint64_t)1 << 61)

typedef struct TreeNode {
    uint64_t index; /* number in the flat tree */
    uint64_t size;  /* bytes of all blocks below */
    unsigned char hash[TREE_HASH_BYTES];
} TreeNode;

/* ---- numbers ---- */

unsigned tree_depth(uint64_t index);  /* 0: a leaf */
uint64_t tree_parent(uint64_t index); /* also where no tree of that length has it */
uint64_t tree_sibling(uint64_t index);
uint64_t tree_left(uint64_t index); /* child; of a leaf itself */
uint64_t tree_right(uint64_t index);
uint64_t tree_first(uint64_t index); /* leftmost leaf below, or itself */
uint64_t tree_last(uint64_t index);  /* rightmost leaf below, or itself */

/* Whether `index` is `below` or above it. */
bool tree_holds(uint64_t index, uint64_t below);

/* The roots of a tree of `length` blocks (at most TREE_LENGTH_MAX), left to right; returns how many. */
size_t tree_root_numbers(uint64_t length, uint64_t out[TREE_ROOTS_MAX]);

/* ---- hashes ---- */

void tree_leaf(uint64_t block, Str bytes, TreeNode *out);

/*
 * The parent of two siblings, in whichever order they come. False when they are none, or their sizes are more than a
 * number holds: what a peer sends may be anything.
 */
bool tree_join(const TreeNode *a, const TreeNode *b, TreeNode *out) ATTR_MUST_USE;

bool tree_node_equal(const TreeNode *a, const TreeNode *b);

/* What a signature is over: the hash of the roots, left to right. */
void tree_hash(const TreeNode *roots, size_t count, unsigned char out[TREE_HASH_BYTES]);

/* ---- a tree that grows ---- */

typedef struct TreeRoots {
    TreeNode at[TREE_ROOTS_MAX];
    size_t count;
    uint64_t length; /* blocks */
    uint64_t bytes;
} TreeRoots;

/*
 * Adds the leaf of the next block. The nodes that come into being, leaf first and then upwards, are put at `made`
 * (room for TREE_DEPTH_MAX + 1; NULL: not wanted); returns how many, or 0 when the tree is full: no length or no
 * number of bytes is left.
 */
size_t tree_add(TreeRoots *roots, const TreeNode *leaf, TreeNode *made);

#endif
