/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything, read and hashed. First the log from its beginning, in the order in which it lies on the disk: blocks whose leaf is right
 * are noted. Then the tree from its roots down, where a block that was not noted is read at its place, so that the first one that is
 * bad is found whatever else is damaged. A block is hashed once.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/os.h"
#include "feed/feed_inside.h"
#include "feed/forks.h"
#include "feed/ranges.h"

enum { TRIES = 8 }; /* beside a writer */

typedef struct Check {
    Feed *feed;
    const FeedVerify *options;
    FeedDamage damage;
    Ranges good; /* blocks whose leaf is that of their bytes, */
    Range run;   /* and those that follow each other and are not in there yet */
    uint64_t done;
    Buf bytes;
    FeedIdentity identity; /* the last one in the log */
    bool is_identified, is_counted, log_damaged;
    uint64_t unmarked; /* a block that is there, and not in the bits */
} Check;

/* ---- what is wrong ---- */

static void note(Check *check, uint64_t block, const char *file, uint64_t offset)
{
    check->damage = (FeedDamage){.block = block, .offset = offset};
    (void)snprintf(check->damage.file, sizeof check->damage.file, "%s", file);
}

static void note_place(Check *check, uint64_t block, FeedPlace place)
{
    char file[16];

    note(check, block, feed_log_file(place, file), (uint32_t)place);
}

static bool bad_node(Check *check, uint64_t index, const char *why, Err *err)
{
    uint64_t offset = index * FEED_NODE_BYTES;

    note(check, tree_first(index) / 2, "tree", offset);
    return err_set(err, ERR_CORRUPT, "'%s/tree' is damaged at byte %llu: node %llu %s", check->feed->path,
                   (unsigned long long)offset, (unsigned long long)index, why);
}

static bool bad_bit(Check *check, uint64_t block, const char *why, Err *err)
{
    uint64_t offset = FEED_HEAD_BITS + block / 8;

    note(check, block, "head", offset);
    return err_set(err, ERR_CORRUPT, "'%s/head' is damaged at byte %llu: block %llu %s", check->feed->path,
                   (unsigned long long)offset, (unsigned long long)block, why);
}

static bool bad_head(Check *check, const char *why, Err *err)
{
    note(check, FEED_NO_BLOCK, "head", 0);
    return err_set(err, ERR_CORRUPT, "the head of the feed in '%s' %s", check->feed->path, why);
}

static bool go_on(Check *check, Err *err)
{
    const FeedVerify *options = check->options;

    return !options || !options->progress || options->progress(options->progress_ctx, check->done) ||
           err_set(err, ERR_INTERRUPTED, "interrupted after %llu blocks", (unsigned long long)check->done);
}

/* ---- the log ---- */

static void note_good(Check *check, uint64_t block)
{
    check->done++;
    if (block == check->run.end && check->run.first < check->run.end) {
        check->run.end++;
        return;
    }
    ranges_add(&check->good, check->run.first, check->run.end);
    check->run = (Range){block, block + 1};
}

/* The record that the tree has for its block; others are of a history that is gone, or were cleared. What is wrong shows later. */
static bool look_at_block(Check *check, const FeedRecord *record, Err *err)
{
    Feed *feed = check->feed;
    uint64_t block = record->body.len < 8 ? UINT64_MAX : bytes_get(record->body.ptr, 8);
    FeedPlace place = 0;
    TreeNode known, real;
    Err why = {0};
    bool held;

    if (block >= feed->state.roots.length)
        return true;
    if (!feed_nodes_get(feed->nodes, 2 * block, &known, &place, &why)) {
        if (why.code != ERR_NOT_FOUND)
            *err = why;
        return why.code == ERR_NOT_FOUND;
    }
    if (place != record->place)
        return true;
    tree_leaf(block, str_sub(record->body, 8, record->body.len), &real);
    if (tree_node_equal(&known, &real))
        note_good(check, block);
    if (!feed_head_holds(feed->head, block, &held, err))
        return false;
    if (!held && block < check->unmarked)
        check->unmarked = block;
    return true;
}

static bool take_record(void *check_v, const FeedRecord *record, Err *err)
{
    Check *check = check_v;

    if (record->type == FEED_IDENTITY)
        check->is_identified = feed_get_identity(record->body, &check->identity);
    return record->type != FEED_BLOCK || (look_at_block(check, record, err) && go_on(check, err));
}

static bool is_same_identity(const FeedIdentity *a, const FeedIdentity *b)
{
    return a->compat == b->compat && a->anonymous == b->anonymous &&
           memcmp(a->key, b->key, FEED_KEY_BYTES) == 0 &&
           memcmp(a->signer, b->signer, SIGN_PUBLIC_BYTES) == 0 &&
           memcmp(a->space, b->space, FEED_KEY_BYTES) == 0;
}

/* Damage of it is told when no block is found bad: *damaged. */
static bool check_log(Check *check, Err *damaged, Err *err)
{
    FeedPlace floor, bad;
    Err why = {0};

    check->unmarked = FEED_NO_BLOCK;
    if (!feed_read_floor(check->feed, &floor, err)) {
        note(check, FEED_NO_BLOCK, "floor", 0);
        return false;
    }
    if (!feed_log_check(check->feed->log, floor, take_record, check, &bad, &why)) {
        if (why.code != ERR_CORRUPT) {
            *err = why;
            return false;
        }
        *damaged = why;
        check->log_damaged = true;
        note_place(check, FEED_NO_BLOCK, bad);
    }
    ranges_add(&check->good, check->run.first, check->run.end);
    return true;
}

/* ---- the tree ---- */

/* A block that the log has not shown to be good. */
static bool read_block(Check *check, uint64_t block, FeedPlace place, Err *err)
{
    Err why = {0};

    if (place == 0)
        return bad_bit(check, block, "is held there, and the tree does not have it", err);
    if (feed_get(check->feed, block, &check->bytes, &why)) {
        check->done++;
        return true;
    }
    if (why.code == ERR_CORRUPT && !check->log_damaged)
        return bad_node(check, 2 * block, "is not that of the block in the log", err);
    *err = why;
    if (why.code != ERR_CORRUPT)
        return false;
    note_place(check, block, place);
    return false;
}

static bool check_leaf(Check *check, uint64_t block, TreeNode *out, Err *err)
{
    FeedPlace place = 0;
    Err why = {0};
    bool held;

    if (!go_on(check, err) || !feed_holds(check->feed, block, &held, err))
        return false;
    if (!feed_nodes_get(check->feed->nodes, 2 * block, out, &place, &why) && why.code != ERR_NOT_FOUND) {
        *err = why;
        return false;
    }
    if (!held && why.code)
        return bad_node(check, 2 * block, "is not known", err);
    if (!held)
        return true;
    return (ranges_has(&check->good, block) && !why.code) || read_block(check, block, place, err);
}

/* One that nothing is held below. */
static bool known_node(Check *check, uint64_t index, TreeNode *out, bool *known, Err *err)
{
    FeedPlace place = 0;
    Err why = {0};

    *known = feed_nodes_get(check->feed->nodes, index, out, &place, &why);
    if (!*known && why.code != ERR_NOT_FOUND) {
        *err = why;
        return false;
    }
    return !*known || place == 0 || tree_depth(index) == 0 ||
           bad_node(check, index, "has a place in the log, as only a block can", err);
}

static bool check_join(Check *check, uint64_t index, const TreeNode *left, const TreeNode *right,
                       TreeNode *out, Err *err)
{
    TreeNode known;
    bool there;

    if (!known_node(check, index, &known, &there, err))
        return false;
    if (!tree_join(left, right, out) || !there || !tree_node_equal(out, &known))
        return bad_node(check, index, "is not that of what is below it", err);
    return true;
}

/* Nothing of it is held. As far down as both of two neighbours are known, they have to make what is above them. */
static bool check_unheld(Check *check, uint64_t index, const TreeNode *node, Err *err)
{
    TreeNode left, right, joined;
    bool has_left, has_right;

    if (tree_depth(index) == 0)
        return true;
    if (!known_node(check, tree_left(index), &left, &has_left, err) ||
        !known_node(check, tree_right(index), &right, &has_right, err))
        return false;
    if (!has_left || !has_right)
        return true;
    if (!tree_join(&left, &right, &joined) || !tree_node_equal(&joined, node))
        return bad_node(check, index, "is not that of what is below it", err);
    return go_on(check, err) && check_unheld(check, left.index, &left, err) &&
           check_unheld(check, right.index, &right, err);
}

/*
 * A node, from all that is held below it; how many blocks are held below is asked of the bits for whole subtrees at once.
 */
static bool check_below(Check *check, uint64_t index, TreeNode *out, Err *err)
{
    const FeedState *state = &check->feed->state;
    TreeNode left, right;
    uint64_t held = 1;
    bool known;

    if (tree_depth(index) == 0)
        return check_leaf(check, index / 2, out, err);
    if (state->held < state->roots.length &&
        !feed_head_count(check->feed->head, tree_first(index) / 2, tree_last(index) / 2 + 1, &held, err))
        return false;
    if (held == 0)
        return known_node(check, index, out, &known, err) &&
               (known || bad_node(check, index, "is not known", err)) && check_unheld(check, index, out, err);
    return check_below(check, tree_left(index), &left, err) &&
           check_below(check, tree_right(index), &right, err) &&
           check_join(check, index, &left, &right, out, err);
}

static bool check_roots(Check *check, Err *err)
{
    const TreeRoots *roots = &check->feed->state.roots;

    for (size_t i = 0; i < roots->count; i++) {
        TreeNode real;

        if (!check_below(check, roots->at[i].index, &real, err))
            return false;
        if (!tree_node_equal(&real, &roots->at[i]))
            return bad_node(check, roots->at[i].index, "is not the one that the signature is over", err);
    }
    return true;
}

/* ---- the head ---- */

static bool check_head(Check *check, Err *err)
{
    const FeedState *state = &check->feed->state;
    FeedHead head = {.length = state->roots.length, .fork = state->fork};

    if (check->unmarked != FEED_NO_BLOCK)
        return bad_bit(check, check->unmarked, "is not held there, and the log has it", err);
    if (!check->is_counted)
        return bad_head(check, "does not count the blocks that are held", err);
    if (check->is_identified && !is_same_identity(&check->identity, &state->identity))
        return bad_head(check, "is of another feed than its log", err);
    tree_hash(state->roots.at, state->roots.count, head.hash);
    return (state->signature_len == 0 && state->roots.length == 0) ||
           feed_signed(&state->identity, &head,
                       (Str){(const char *)state->signature, state->signature_len}) ||
           bad_head(check, "is not signed by its signer", err);
}

static bool check_others(Check *check, Err *err)
{
    ARENA_SCOPE(scratch);
    ForkProof *proofs;
    size_t count;

    if (!feed_check_clearing(check->feed, err)) {
        note(check, FEED_NO_BLOCK, "clearing", 0);
        return false;
    }
    if (forks_list(check->feed, &scratch, &proofs, &count, err))
        return true;
    note(check, FEED_NO_BLOCK, "forks", 0);
    return false;
}

/* ---- the whole ---- */

static bool check_all(Check *check, Err *err)
{
    Err damaged = {0};

    if (!check_log(check, &damaged, err))
        return false;
    FeedDamage of_log = check->damage;
    if (!check_roots(check, err))
        return false;
    if (!damaged.code)
        return check_head(check, err) && check_others(check, err);
    check->damage = of_log;
    *err = damaged;
    return false;
}

static bool count(Feed *feed, bool *right, Err *err)
{
    uint64_t held;

    if (!feed_head_count(feed->head, 0, feed->state.roots.length, &held, err))
        return false;
    *right = held == feed->state.held;
    return true;
}

/* Bits are counted first: beside a writer, those that are read for long are of another state than the head. */
static bool verify_once(Feed *feed, const FeedVerify *options, FeedDamage *damage, Err *err)
{
    Check check = {.feed = feed, .options = options, .damage = {.block = FEED_NO_BLOCK}};
    bool ok = count(feed, &check.is_counted, err) && check_all(&check, err);

    ranges_release(&check.good);
    buf_release(&check.bytes);
    *damage = check.damage;
    return ok;
}

/* Whether there was anything new, or space was given back. */
static bool is_changed(Feed *feed, FeedPlace floor)
{
    FeedPlace now;
    Err ignored = {0};
    bool changed;

    return !feed->writable && ((feed_refresh(feed, &changed, &ignored) && changed) ||
                               (feed_read_floor(feed, &now, &ignored) && now != floor));
}

/* As near to what a writer does as can be. */
static bool keep_up(Feed *feed, Err *err)
{
    bool right = false, changed = true;

    for (int i = 0; i < TRIES && !right && changed; i++) {
        Err ignored = {0};

        if (!count(feed, &right, err))
            return false;
        changed = !right && feed_refresh(feed, &changed, &ignored) && changed;
    }
    return true;
}

/* What a writer does while this reads is no damage: then all is read once more. */
bool feed_verify(Feed *feed, const FeedVerify *options, uint64_t *first_bad, Err *err)
{
    FeedDamage damage = {.block = FEED_NO_BLOCK};
    bool ok = false, again = true;

    for (int i = 0; i < TRIES && again; i++) {
        FeedPlace floor = 0;
        Err ignored = {0};

        (void)!feed_read_floor(feed, &floor, &ignored); /* what is wrong with it is said below */
        ok = keep_up(feed, err) && verify_once(feed, options, &damage, err);
        again = !ok && err->code == ERR_CORRUPT && is_changed(feed, floor);
    }
    *first_bad = ok || damage.block == FEED_NO_BLOCK ? feed->state.roots.length : damage.block;
    if (again)
        return err_set(err, ERR_BUSY, "the feed in '%s' is changed all the time while it is read",
                       feed->path);
    if (!ok && err->code == ERR_CORRUPT && options && options->damage)
        *options->damage = damage;
    return ok;
}
