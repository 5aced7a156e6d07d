/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/tree.h"

#include "base/buf.h"
#include "test/unit/feed/vectors.h"

/* ---- numbers, beside a tree drawn by hand: the levels of a full one of 16 blocks ---- */

enum { BLOCKS = 16, NODES = 2 * BLOCKS - 1 };

typedef struct Drawn {
    unsigned depth;
    uint64_t first, last;
} Drawn;

static void draw(Drawn *nodes, uint64_t first, uint64_t last, unsigned depth)
{
    uint64_t middle = (first + last) / 2;

    nodes[middle] = (Drawn){depth, first, last};
    if (depth == 0)
        return;
    draw(nodes, first, middle - 1, depth - 1);
    draw(nodes, middle + 1, last, depth - 1);
}

static void numbers_are_those_of_a_tree_drawn_by_hand(void)
{
    Drawn nodes[NODES];

    draw(nodes, 0, NODES - 1, 4);
    for (uint64_t i = 0; i < NODES; i++) {
        CHECK(tree_depth(i) == nodes[i].depth);
        CHECK(tree_first(i) == nodes[i].first && tree_last(i) == nodes[i].last);
        if (nodes[i].depth > 0) {
            CHECK(tree_left(i) == (nodes[i].first + i - 1) / 2 &&
                  tree_right(i) == (i + 1 + nodes[i].last) / 2);
            CHECK(tree_parent(tree_left(i)) == i && tree_parent(tree_right(i)) == i);
            CHECK(tree_sibling(tree_left(i)) == tree_right(i) && tree_sibling(tree_right(i)) == tree_left(i));
        } else
            CHECK(tree_left(i) == i && tree_right(i) == i);
        for (uint64_t j = 0; j < NODES; j++)
            CHECK(tree_holds(i, j) == (j >= nodes[i].first && j <= nodes[i].last));
    }
}

static void the_roots_cover_all_blocks_once(void)
{
    static const uint64_t lengths[] = {
        0, 1, 2, 3, 5, 64, 1000, 20000, 4294967295, TREE_LENGTH_MAX - 1, TREE_LENGTH_MAX};

    for (size_t i = 0; i < COUNT_OF(lengths); i++) {
        uint64_t roots[TREE_ROOTS_MAX], next = 0;
        size_t count = tree_root_numbers(lengths[i], roots);

        CHECK(count == (size_t)__builtin_popcountll(lengths[i]));
        for (size_t j = 0; j < count; j++) {
            CHECK(tree_first(roots[j]) == next);
            CHECK(j == 0 || tree_depth(roots[j]) < tree_depth(roots[j - 1]));
            next = tree_last(roots[j]) + 2;
        }
        CHECK(next == 2 * lengths[i]);
    }
}

/* ---- hashes ---- */

static void the_vectors_nodes_and_roots_come_out(void)
{
    TreeRoots roots = {0};
    unsigned char hash[TREE_HASH_BYTES];
    struct json_object *blocks = vector_at("merkle>blocks");
    size_t seen = 0;

    for (size_t i = 0; i < json_object_array_length(blocks); i++) {
        TreeNode leaf, made[TREE_DEPTH_MAX + 1];

        tree_leaf(i, str_from_z(json_object_get_string(json_object_array_get_idx(blocks, i))), &leaf);
        size_t count = tree_add(&roots, &leaf, made);
        for (size_t j = 0; j < count; j++, seen++) {
            ARENA_SCOPE(arena);
            const char *path = str_printf(&arena, "merkle>nodes>%d", (int)made[j].index).ptr;

            CHECK(vector_is(str_printf(&arena, "%s>hash", path).ptr, made[j].hash, TREE_HASH_BYTES));
            CHECK(json_object_get_uint64(vector_at(str_printf(&arena, "%s>size", path).ptr)) == made[j].size);
        }
    }
    CHECK(seen == (size_t)json_object_object_length(vector_at("merkle>nodes")));
    CHECK(roots.count == 2 && roots.at[0].index == 3 && roots.at[1].index == 8);
    CHECK(roots.length == 5 && roots.bytes == 10);
    tree_hash(roots.at, roots.count, hash);
    CHECK(vector_is("merkle>tree_hash_len5", hash, sizeof hash));
}

static void a_tree_that_grew_has_the_roots_of_its_length(void)
{
    TreeRoots roots = {0};

    for (uint64_t i = 0; i < 1000; i++) {
        uint64_t numbers[TREE_ROOTS_MAX];
        TreeNode leaf;

        tree_leaf(i, STR("block"), &leaf);
        CHECK(tree_add(&roots, &leaf, NULL) == (size_t)__builtin_ctzll(i + 1) + 1);
        CHECK(tree_root_numbers(i + 1, numbers) == roots.count);
        for (size_t j = 0; j < roots.count; j++)
            CHECK(roots.at[j].index == numbers[j]);
        CHECK(roots.bytes == 5 * (i + 1));
    }
}

static void what_does_not_belong_together_is_not_joined(void)
{
    TreeNode a, b, c, out;

    tree_leaf(0, STR("a"), &a);
    tree_leaf(1, STR("b"), &b);
    tree_leaf(2, STR("c"), &c);
    CHECK(tree_join(&b, &a, &out) && out.index == 1 && out.size == 2);
    CHECK(!tree_join(&b, &c, &out) && !tree_join(&a, &a, &out));
    a.size = UINT64_MAX;
    CHECK(!tree_join(&a, &b, &out));
}

static void a_tree_without_room_takes_no_more(void)
{
    TreeRoots full = {.length = TREE_LENGTH_MAX}, heavy = {.bytes = UINT64_MAX - 1};
    TreeNode leaf;

    tree_leaf(0, STR("ab"), &leaf);
    CHECK(tree_add(&full, &leaf, NULL) == 0 && full.length == TREE_LENGTH_MAX);
    CHECK(tree_add(&heavy, &leaf, NULL) == 0 && heavy.length == 0);
}

int main(void)
{
    RUN(numbers_are_those_of_a_tree_drawn_by_hand);
    RUN(the_roots_cover_all_blocks_once);
    RUN(the_vectors_nodes_and_roots_come_out);
    RUN(a_tree_that_grew_has_the_roots_of_its_length);
    RUN(what_does_not_belong_together_is_not_joined);
    RUN(a_tree_without_room_takes_no_more);
    DONE();
}
