/* SPDX-License-Identifier: Apache-2.0 */
/* Feeds and copies on muxes that are joined by queues in memory: what one has, the others get, whoever leaves, lies or forks. */
#include "feed/peering.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/os.h"
#include "base/time.h"
#include "feed/alpha.h"
#include "feed/forks.h"
#include "feed/proof.h"
#include "feed/ranges.h"
#include "test/unit/feed/blocks.h"

enum { LINKS_MAX = 8, NODES_MAX = 5 };

static char dir[] = "/tmp/strata-peering-XXXXXX";
static SignPair pair;
static FeedIdentity identity;
/* ---- nodes: a feed with its peering ---- */

typedef struct Node {
    Arena arena;
    const char *path;
    Feed *feed;
    Peering *peering;
    size_t changes, forks;
    char extension[64];
    Ranges damaged; /* told by on_damage */
    size_t damages;
} Node;

static void note_change(void *node_v)
{
    ((Node *)node_v)->changes++;
}

static void note_fork(void *node_v, const unsigned char peer[32])
{
    (void)peer;
    ((Node *)node_v)->forks++;
}

static void note_damage(void *node_v, uint64_t number, const Err *why)
{
    Node *node = node_v;

    CHECK(why->code != ERR_NONE);
    ranges_add(&node->damaged, number, number + 1);
    node->damages++;
}

static void note_extension(void *node_v, const unsigned char peer[32], Str name, Str bytes)
{
    Node *node = node_v;

    (void)peer;
    (void)snprintf(node->extension, sizeof node->extension, "%.*s=%.*s", STR_ARG(name), STR_ARG(bytes));
}

static void begin_node(Node *node, const char *name, bool copy, PeeringOptions options)
{
    FeedIdentity who;
    Err err = {0};

    *node = (Node){0};
    node->path = str_printf(&node->arena, "%s/%s", dir, name).ptr;
    feed_identity_of_key(identity.key, &who);
    CHECK(feed_create(&node->arena, node->path, copy ? &who : &identity, NULL, &node->feed, &err));
    options.on_change = note_change;
    options.on_fork = note_fork;
    options.on_extension = note_extension;
    options.on_damage = note_damage;
    options.ctx = node;
    node->peering = peering_new(node->feed, &options);
}

static void end_node(Node *node)
{
    Err err = {0};

    peering_free(node->peering);
    feed_close(node->feed);
    ranges_release(&node->damaged);
    CHECK(os_remove_tree(node->path, &err));
    arena_free(&node->arena);
}

static void grow(Node *node, uint64_t count, uint64_t salt)
{
    append_blocks(node->feed, &pair, count, salt);
}

/* ---- links: two muxes, and what is on its way between them ---- */

typedef struct Queue {
    Buf bytes; /* u32 length and frame, one after another */
    size_t bytes_total;
} Queue;

typedef struct Link {
    Node *nodes[2];
    Mux *muxes[2];
    Queue queues[2]; /* to nodes[i] */
    bool up;
    Err why; /* it went down */
    int lie; /* 1 in so many frames is changed; 0: none */
} Link;

static Link links[LINKS_MAX];
static size_t links_count;

typedef struct End {
    Link *link;
    int side;
} End;
static End ends[LINKS_MAX][2];

static bool send_frame(void *end_v, Str frame, Err *err)
{
    End *end = end_v;
    Queue *queue = &end->link->queues[!end->side];
    uint32_t len = (uint32_t)frame.len;

    (void)err;
    buf_put(&queue->bytes, (Str){(const char *)&len, sizeof len});
    buf_put(&queue->bytes, frame);
    queue->bytes_total += frame.len;
    return true;
}

static Link *connect_nodes(Node *a, Node *b)
{
    Link *link = &links[links_count];
    Err err = {0};

    *link = (Link){.nodes = {a, b}, .up = true};
    for (int i = 0; i < 2; i++) {
        ends[links_count][i] = (End){link, i};
        link->muxes[i] = mux_new(&(MuxOptions){.send = send_frame, .ctx = &ends[links_count][i]});
    }
    links_count++;
    for (int i = 0; i < 2; i++) {
        PeeringWho who = {.initiator = i == 0, .hash = {7}};

        CHECK(peering_join(link->nodes[i]->peering, link->muxes[i], &who, &err));
    }
    return link;
}

static void cut(Link *link)
{
    link->up = false;
    for (int i = 0; i < 2; i++)
        mux_free(link->muxes[i]);
}

/* Gives one frame to a side; false when there is none. */
static bool pass_one(Link *link, int side)
{
    Queue *queue = &link->queues[side];
    uint32_t len;
    Err err = {0};

    if (queue->bytes.len == 0)
        return false;
    memcpy(&len, queue->bytes.ptr, sizeof len);
    char *frame = malloc(len + 1);
    memcpy(frame, queue->bytes.ptr + sizeof len, len);
    buf_consume(&queue->bytes, sizeof len + len);
    if (link->lie && chance((uint64_t)link->lie) == 0 && len > 0)
        frame[chance(len)] ^= (char)(1 << chance(8));
    mux_cork(link->muxes[side]);
    bool ok = mux_take(link->muxes[side], (Str){frame, len}, &err);
    Err ignored = {0};
    (void)!mux_uncork(link->muxes[side], &ignored);
    free(frame);
    if (!ok) {
        link->why = err;
        cut(link);
    }
    return true;
}

/* Until nothing is on its way, or `most` frames have passed. */
static void run(size_t most)
{
    bool moved = true;

    while (moved && most > 0) {
        moved = false;
        for (size_t i = 0; i < links_count; i++)
            for (int side = 0; side < 2 && links[i].up; side++)
                if (most > 0 && pass_one(&links[i], side)) {
                    moved = true;
                    most--;
                }
        for (size_t i = 0; i < links_count; i++)
            for (int side = 0; side < 2; side++) {
                Err err = {0};

                if (links[i].up && (!moved || chance(3) == 0))
                    CHECK(peering_flush(links[i].nodes[side]->peering, &err));
                moved |= links[i].up && links[i].queues[side].bytes.len > 0;
            }
    }
}

static void drop_links(void)
{
    for (size_t i = 0; i < links_count; i++) {
        if (links[i].up)
            cut(&links[i]);
        buf_release(&links[i].queues[0].bytes);
        buf_release(&links[i].queues[1].bytes);
    }
    links_count = 0;
}

static bool is_done(Node *node)
{
    PeeringState state;

    peering_state(node->peering, &state);
    return state.done;
}

static bool is_given(Node *node)
{
    PeeringState state;

    peering_state(node->peering, &state);
    return state.given;
}

/* Whether a copy has all that the feed has. */
static bool same(Node *copy, Node *node)
{
    const FeedState *one = feed_state(copy->feed), *other = feed_state(node->feed);
    uint64_t first_bad;
    Err err = {0};

    bool ok = one->roots.length == other->roots.length && one->fork == other->fork &&
              one->held == one->roots.length && one->signature_len == other->signature_len &&
              memcmp(one->signature, other->signature, one->signature_len) == 0 &&
              feed_verify(copy->feed, NULL, &first_bad, &err);
    if (!ok)
        printf("# length %llu of %llu, fork %llu, held %llu %s\n", (unsigned long long)one->roots.length,
               (unsigned long long)other->roots.length, (unsigned long long)one->fork,
               (unsigned long long)one->held, err.text);
    return ok;
}

static const PeeringVia vias[] = {PEERING_HYPERCORE, PEERING_AUTO};
#define GIVE(v) ((PeeringOptions){.via = (v)})
#define GET(v)  ((PeeringOptions){.download = true, .follow = true, .via = (v)})

/* ---- the tests ---- */

static void a_copy_gets_all_of_it_and_what_comes_after(void)
{
    static const uint64_t lengths[] = {0, 1, 2, 7, 64, 1000, 5000};

    for (size_t v = 0; v < COUNT_OF(vias); v++)
        for (size_t i = 0; i < COUNT_OF(lengths); i++) {
            Node feed, copy;
            PeeringState state;
            Err err = {0};

            begin_node(&feed, "feed", false, GIVE(vias[v]));
            begin_node(&copy, "copy", true, GET(vias[v]));
            grow(&feed, lengths[i], 0);
            CHECK(peering_announce(feed.peering, &err));
            connect_nodes(&copy, &feed);
            for (size_t frames = 0; frames < 4 * lengths[i] + 100 && !is_given(&feed); frames++)
                run(1);
            CHECK(is_given(&feed) && feed_state(copy.feed)->held == lengths[i]);
            run(SIZE_MAX);
            CHECK(same(&copy, &feed) && is_done(&copy));
            for (uint64_t more = 1; more < 40; more *= 3) {
                grow(&feed, more, 0);
                CHECK(peering_announce(feed.peering, &err));
                run(SIZE_MAX);
                CHECK(same(&copy, &feed) && is_done(&copy) && copy.changes > 0);
                CHECK(is_given(&feed) && is_given(&copy));
            }
            peering_state(copy.peering, &state);
            CHECK(state.blocks == feed_state(feed.feed)->roots.length);
            CHECK(state.runs == (vias[v] == PEERING_AUTO ? state.blocks : 0));
            drop_links();
            end_node(&feed);
            end_node(&copy);
        }
}

/* Whatever was kept in memory only is in the log: a copy whose tree and head are lost gives all to the next one, with its proofs. */
static void a_copy_is_made_anew_from_its_log(void)
{
    for (size_t v = 0; v < COUNT_OF(vias); v++) {
        Node feed, copy, next;
        Err err = {0};

        begin_node(&feed, "feed", false, GIVE(PEERING_AUTO));
        begin_node(&copy, "copy", true, GET(vias[v]));
        grow(&feed, 3000, 0);
        CHECK(peering_announce(feed.peering, &err));
        connect_nodes(&copy, &feed);
        run(400); /* and cut in the middle */
        drop_links();
        connect_nodes(&copy, &feed);
        run(SIZE_MAX);
        CHECK(same(&copy, &feed));
        drop_links();
        peering_free(copy.peering);
        feed_close(copy.feed);
        CHECK(unlink(str_printf(&copy.arena, "%s/tree", copy.path).ptr) == 0);
        CHECK(unlink(str_printf(&copy.arena, "%s/head", copy.path).ptr) == 0);
        CHECK(feed_open(&copy.arena, copy.path, FEED_READ, NULL, &copy.feed, &err));
        copy.peering = peering_new(copy.feed, &GIVE(PEERING_AUTO));
        CHECK(peering_announce(copy.peering, &err) && same(&copy, &feed));
        begin_node(&next, "next", true, GET(PEERING_HYPERCORE));
        connect_nodes(&next, &copy);
        run(SIZE_MAX);
        CHECK(same(&next, &feed));
        drop_links();
        end_node(&feed);
        end_node(&copy);
        end_node(&next);
    }
}

/* Each has what the other has not, some of it twice; one leaves in the middle, and comes back later. */
static void what_no_peer_has_alone_comes_from_several(void)
{
    for (size_t v = 0; v < COUNT_OF(vias); v++)
        for (int round = 0; round < 6; round++) {
            Node feed, copies[3];
            Err err = {0};
            uint64_t cleared, length = 900;
            static const char *const names[] = {"one", "two", "three"};

            begin_node(&feed, "feed", false, GIVE(PEERING_AUTO));
            grow(&feed, length, 0);
            CHECK(peering_announce(feed.peering, &err));
            for (int i = 0; i < 2; i++) {
                begin_node(&copies[i], names[i], true, GET(PEERING_AUTO));
                connect_nodes(&copies[i], &feed);
                run(SIZE_MAX);
                CHECK(same(&copies[i], &feed));
                drop_links();
                peering_free(copies[i].peering);
                CHECK(feed_clear(copies[i].feed, i ? 0 : 450, i ? 400 : length, &cleared, &err) &&
                      cleared > 0);
                copies[i].peering = peering_new(copies[i].feed, &GIVE(PEERING_AUTO));
            }
            begin_node(&copies[2], names[2], true, GET(vias[v]));
            connect_nodes(&copies[2], &copies[0]);
            run(5 + chance(300));
            connect_nodes(&copies[2], &copies[1]);
            run(5 + chance(300));
            if (links[0].up)
                cut(&links[0]);
            run(SIZE_MAX);
            CHECK(feed_state(copies[2].feed)->held >= 500 &&
                  is_done(&copies[2])); /* with what these two have */
            connect_nodes(&copies[0], &copies[2]);
            run(SIZE_MAX);
            CHECK(same(&copies[2], &feed) && is_done(&copies[2]));
            drop_links();
            end_node(&feed);
            for (int i = 0; i < 3; i++)
                end_node(&copies[i]);
        }
}

/* One byte of its record on the disk is another one. */
static void damage(Node *node, uint64_t number)
{
    const char *log = str_printf(&node->arena, "%s/00000000.log", node->path).ptr;
    ARENA_SCOPE(arena);
    BUF_SCOPE(bytes);
    BUF_SCOPE(wanted);
    Err err = {0};
    FD_SCOPE(fd);

    bytes_put(&wanted, number, 8);
    buf_put(&wanted, block(&arena, number, 0));
    CHECK(os_read_file(log, 1 << 24, &bytes, &err));
    char *at = memmem(bytes.ptr, bytes.len, wanted.ptr, wanted.len);
    CHECK(at);
    if (!at)
        return;
    at[8] ^= 4;
    fd = os_open(log, O_WRONLY, 0);
    CHECK(os_pwrite_all(fd, (Str){at + 8, 1}, at + 8 - bytes.ptr, &err));
}

/* What the peers of a node say to have, did not give, and is missing, as "first-last " for each run of blocks. */
static const char *denied(Node *node)
{
    BUF_SCOPE(out);
    Err err = {0};
    Range range = {0};

    while (peering_denied(node->peering, range.end, &range, &err) && range.first != RANGES_NONE)
        buf_printf(&out, "%llu-%llu ", (unsigned long long)range.first, (unsigned long long)range.end - 1);
    CHECK(err.code == ERR_NONE);
    return str_to_z(&node->arena, buf_str(&out));
}

/* All others come, whatever run or path they are in; the peer is told of each once, and goes on. */
static void damaged_blocks_are_told_on_both_sides_and_the_others_come(void)
{
    static const uint64_t blocks[] = {7, 8, 250, 701};

    for (size_t v = 0; v < COUNT_OF(vias); v++)
        for (int whole = 0; whole < 2; whole++) {
            Node feed, copy, other;
            Err err = {0};

            begin_node(&feed, "feed", false, GIVE(PEERING_AUTO));
            begin_node(&other, "other", true, GET(PEERING_AUTO));
            begin_node(&copy, "copy", true, GET(vias[v]));
            grow(&feed, 900, 0);
            CHECK(peering_announce(feed.peering, &err));
            connect_nodes(&other, &feed);
            run(SIZE_MAX);
            CHECK(same(&other, &feed));
            drop_links();
            peering_free(feed.peering);
            feed_close(feed.feed);
            for (size_t i = 0; i < COUNT_OF(blocks); i++)
                damage(&feed, blocks[i]);
            CHECK(feed_open(&feed.arena, feed.path, FEED_READ, NULL, &feed.feed, &err));
            feed.peering = peering_new(feed.feed, &(PeeringOptions){.on_damage = note_damage, .ctx = &feed});
            CHECK(peering_announce(feed.peering, &err));
            connect_nodes(&copy, &feed);
            if (whole)
                connect_nodes(&copy, &other);
            run(SIZE_MAX);
            CHECK(is_done(&copy) && links[0].up);
            CHECK(feed_state(copy.feed)->held == (whole ? 900 : 896));
            CHECK(strcmp(denied(&copy), whole ? "" : "7-8 250-250 701-701 ") == 0);
            CHECK(other.damages == 0 && feed.damages <= COUNT_OF(blocks));
            for (size_t i = 0; i < COUNT_OF(blocks) && !whole; i++)
                CHECK(ranges_has(&feed.damaged, blocks[i]));
            /* Asked again by a new connection, it is said to nobody twice. */
            size_t told = feed.damages;
            drop_links();
            connect_nodes(&copy, &feed);
            run(SIZE_MAX);
            CHECK(feed.damages == told && is_done(&copy));
            drop_links();
            end_node(&feed);
            end_node(&other);
            end_node(&copy);
        }
}

/* Wherever the damage is, both sides are told: the blocks are denied, or the head is. Nothing wrong is sent. */
static void no_damage_is_passed_over_in_silence(void)
{
    static const char *const files[] = {"00000000.log", "tree"};
    size_t ended = 0, missed = 0;

    for (int round = 0; round < 200; round++) {
        Node feed, copy;
        Err err = {0};
        BUF_SCOPE(bytes);
        Range range = {0};
        FD_SCOPE(fd);
        uint64_t length = 40 + chance(200), not_given = 0;

        begin_node(&feed, "feed", false, GIVE(PEERING_AUTO));
        begin_node(&copy, "copy", true, GET(vias[round % 2]));
        grow(&feed, length, 0);
        peering_free(feed.peering);
        feed_close(feed.feed);
        const char *path = str_printf(&feed.arena, "%s/%s", feed.path, files[chance(2)]).ptr;
        CHECK(os_read_file(path, 1 << 24, &bytes, &err));
        uint64_t at = 200 + chance(bytes.len - 200);
        bytes.ptr[at] ^= (char)(1 << chance(8));
        fd = os_open(path, O_WRONLY, 0);
        CHECK(os_pwrite_all(fd, (Str){bytes.ptr + at, 1}, (off_t)at, &err));
        CHECK(feed_open(&feed.arena, feed.path, FEED_READ, NULL, &feed.feed, &err));
        CHECK(feed_state(feed.feed)->roots.length == length);
        feed.peering = peering_new(feed.feed, &(PeeringOptions){.on_damage = note_damage, .ctx = &feed});
        CHECK(peering_announce(feed.peering, &err));
        connect_nodes(&copy, &feed);
        run(SIZE_MAX);
        (void)!peering_given(copy.peering, &not_given, &err);
        CHECK(links[0].up ? is_done(&copy) && feed_state(copy.feed)->held + not_given == length &&
                                feed_state(copy.feed)->roots.length == length && feed.damages == not_given
                          : links[0].why.code == ERR_CORRUPT && feed.damages == 1 &&
                                strstr(links[0].why.text, "does not prove it") != NULL);
        CHECK(peering_denied(copy.peering, 0, &range, &err) &&
              (range.first != RANGES_NONE) == (not_given > 0));
        ended += !links[0].up;
        missed += not_given > 0;
        CHECK(feed_verify(copy.feed, NULL, &length, &err));
        drop_links();
        end_node(&feed);
        end_node(&copy);
    }
    CHECK(missed > 50);
    printf("# %zu of 200 connections ended, %zu had blocks that were not given\n", ended, missed);
}

/* It is no damage: the peer is told that they are gone, and nothing that it has is missing. */
static void blocks_that_are_cleared_while_they_are_asked_for_are_not_denied(void)
{
    for (size_t v = 0; v < COUNT_OF(vias); v++) {
        size_t partly = 0;

        for (size_t frames = 1; frames < 14; frames++) {
            Node feed, copy;
            Err err = {0};
            uint64_t cleared;

            begin_node(&feed, "feed", false, GIVE(PEERING_AUTO));
            begin_node(&copy, "copy", true, GET(vias[v]));
            grow(&feed, 3000, 0);
            CHECK(peering_announce(feed.peering, &err));
            connect_nodes(&copy, &feed);
            run(frames);
            CHECK(feed_clear(feed.feed, 2000, 3000, &cleared, &err) && cleared == 1000);
            run(SIZE_MAX);
            CHECK(is_done(&copy) && feed_state(copy.feed)->held >= 2000);
            CHECK(strcmp(denied(&copy), "") == 0 && feed.damages == 0 && links[0].up);
            partly += feed_state(copy.feed)->held < 3000;
            drop_links();
            end_node(&feed);
            end_node(&copy);
        }
        CHECK(partly > 0);
    }
}

static void a_copy_may_want_some_blocks_only(void)
{
    for (size_t v = 0; v < COUNT_OF(vias); v++) {
        Node feed, copy;
        Err err = {0};

        begin_node(&feed, "feed", false, GIVE(PEERING_AUTO));
        begin_node(&copy, "copy", true, (PeeringOptions){.follow = true, .via = vias[v]});
        grow(&feed, 300, 0);
        CHECK(peering_announce(feed.peering, &err));
        peering_want(copy.peering, 10, 20);
        peering_want(copy.peering, 299, 300);
        connect_nodes(&copy, &feed);
        run(SIZE_MAX);
        CHECK(feed_state(copy.feed)->held == 11 && feed_state(copy.feed)->roots.length == 300 &&
              is_done(&copy));
        peering_want(copy.peering, 100, 101);
        CHECK(!is_done(&copy));
        run(SIZE_MAX);
        CHECK(peering_flush(copy.peering, &err));
        run(SIZE_MAX);
        CHECK(feed_state(copy.feed)->held == 12 && is_done(&copy));
        drop_links();
        end_node(&feed);
        end_node(&copy);
    }
}

static void copies_follow_a_truncated_feed(void)
{
    for (size_t v = 0; v < COUNT_OF(vias); v++)
        for (uint64_t kept = 0; kept < 130; kept += 13) {
            Node feed, copy;
            Err err = {0};

            begin_node(&feed, "feed", false, GIVE(PEERING_AUTO));
            begin_node(&copy, "copy", true, GET(vias[v]));
            grow(&feed, 130, 0);
            CHECK(peering_announce(feed.peering, &err));
            connect_nodes(&copy, &feed);
            run(SIZE_MAX);
            CHECK(feed_truncate(feed.feed, &pair, kept, FEED_BUFFERED, &err));
            if (kept % 2)
                grow(&feed, kept, 3);
            CHECK(peering_announce(feed.peering, &err));
            run(SIZE_MAX);
            grow(&feed, 5, 4);
            CHECK(peering_announce(feed.peering, &err));
            run(SIZE_MAX);
            CHECK(same(&copy, &feed) && feed_state(copy.feed)->fork == 1 && is_done(&copy));
            drop_links();
            end_node(&feed);
            end_node(&copy);
        }
}

/* A writer that went on from an old copy: whichever of the two is longer, both peers see it, keep the proof and stop. */
/* Whether each block that is held can be proven to somebody who knows only the roots. */
static bool proves_what_it_holds(Node *node)
{
    uint64_t length = feed_state(node->feed)->roots.length;
    bool held = false, ok = true;
    Err err = {0};

    for (uint64_t i = 0; i < length && ok; i++) {
        ARENA_SCOPE(arena);
        FeedProof proof;
        FeedRequest what = {.fork = feed_state(node->feed)->fork, .part = FEED_PART_BLOCK, .index = i};

        for (uint64_t at = 2 * i; tree_last(tree_parent(at)) < 2 * length; at = tree_parent(at))
            what.nodes++;
        ok = feed_holds(node->feed, i, &held, &err) &&
             (!held || feed_prove(node->feed, &arena, &what, &proof, &err));
    }
    if (!ok)
        printf("# %s\n", err.text);
    return ok;
}

/* However long they are: who comes back after a truncation gets what is new, and keeps the rest. */
static void only_what_is_new_in_a_fork_is_sent(void)
{
    for (int round = 0; round < 60; round++) {
        uint64_t length = 1 + chance(300), kept = chance(length + 1), more = 1 + chance(300);
        Node feed, copy;
        PeeringState before, after;
        Err err = {0};

        begin_node(&feed, "feed", false, GIVE(PEERING_AUTO));
        begin_node(&copy, "copy", true, GET(vias[round % 2]));
        grow(&feed, length, 0);
        CHECK(peering_announce(feed.peering, &err));
        connect_nodes(&copy, &feed);
        run(SIZE_MAX);
        drop_links();
        peering_state(copy.peering, &before);
        CHECK(same(&copy, &feed));

        CHECK(feed_truncate(feed.feed, &pair, kept, FEED_BUFFERED, &err));
        grow(&feed, more, 3);
        CHECK(peering_announce(feed.peering, &err));
        connect_nodes(&copy, &feed);
        for (int some = 0; some < 6; some++) {
            run(4);
            CHECK(proves_what_it_holds(&copy));
        }
        run(SIZE_MAX);
        peering_state(copy.peering, &after);
        CHECK(same(&copy, &feed) && is_done(&copy));
        CHECK(after.blocks - before.blocks == more);
        drop_links();

        end_node(&feed);
        end_node(&copy);
    }
}

static void two_histories_of_a_feed_are_found_and_proven(void)
{
    static const uint64_t extra[][2] = {{5, 5}, {9, 3}, {3, 9}, {1, 64}, {64, 1}};

    for (size_t i = 0; i < COUNT_OF(extra); i++) {
        Node one, other;
        Err err = {0};
        size_t found = 0;

        begin_node(&one, "one", false, GET(PEERING_AUTO));
        begin_node(&other, "other", false, GET(PEERING_AUTO));
        grow(&one, 20, 0);
        grow(&other, 20, 0);
        grow(&one, extra[i][0], 1);
        grow(&other, extra[i][1], 2);
        connect_nodes(&one, &other);
        run(SIZE_MAX);
        CHECK(links[0].up); /* so that both see it */
        for (int n = 0; n < 2; n++) {
            ARENA_SCOPE(arena);
            Node *node = n ? &other : &one;
            ForkProof *proofs;
            size_t count;
            Str more = STR("more");

            CHECK(forks_list(node->feed, &arena, &proofs, &count, &err));
            CHECK(count == node->forks);
            if (count == 0)
                continue;
            found++;
            CHECK(proofs[0].length <= proofs[0].here &&
                  memcmp(proofs[0].hash_here, proofs[0].hash_there, 32) != 0);
            CHECK(!feed_append(node->feed, &pair, &more, 1, FEED_BUFFERED, &err) && err.code == ERR_CONFLICT);
            CHECK(feed_truncate(node->feed, &pair, 20, FEED_BUFFERED, &err));
            CHECK(feed_append(node->feed, &pair, &more, 1, FEED_BUFFERED, &err));
        }
        CHECK(found == 2);
        drop_links();
        end_node(&one);
        end_node(&other);
    }
}

/* Frames are changed on their way: connections end, and what is kept stays a part of the feed. */
static void nothing_that_was_changed_on_its_way_is_kept(void)
{
    size_t ended = 0;

    for (int round = 0; round < 60; round++) {
        Node feed, copy;
        uint64_t first_bad;
        Err err = {0};

        begin_node(&feed, "feed", false, GIVE(PEERING_AUTO));
        begin_node(&copy, "copy", true, GET(vias[round % 2]));
        grow(&feed, 1 + chance(400), 0);
        CHECK(peering_announce(feed.peering, &err));
        for (int try = 0; try < 5; try++) {
            Link *link = connect_nodes(&copy, &feed);

            link->lie = 4;
            run(4000);
            ended += !link->up;
            drop_links();
            CHECK(feed_verify(copy.feed, NULL, &first_bad, &err));
        }
        connect_nodes(&copy, &feed);
        run(SIZE_MAX);
        CHECK(same(&copy, &feed));
        drop_links();
        end_node(&feed);
        end_node(&copy);
    }
    printf("# %zu connections ended of 300\n", ended);
    CHECK(ended > 30);
}

/* It says that it has a long feed, and then nothing. */
static void a_peer_that_does_not_answer_is_let_go(void)
{
    Node feed, copy;
    PeeringState state = {0};
    Err err = {0};

    begin_node(&feed, "feed", false, GIVE(PEERING_AUTO));
    begin_node(&copy, "copy", true, GET(PEERING_AUTO));
    grow(&feed, 10, 0);
    CHECK(peering_announce(feed.peering, &err));
    Link *link = connect_nodes(&copy, &feed);
    for (int i = 0; i < 1000 && link->queues[0].bytes.len + link->queues[1].bytes.len > 0; i++) {
        peering_state(copy.peering, &state);
        if (state.asked > 0)
            break;
        (void)!(pass_one(link, 1) || pass_one(link, 0));
    }
    buf_reset(&link->queues[1].bytes); /* the question is lost */
    CHECK(state.asked > 0 && state.late == 0);
    peering_expire(copy.peering, SECONDS(60));
    peering_state(copy.peering, &state);
    CHECK(state.peers == 1 && state.late == 0);
    peering_expire(copy.peering, -1);
    peering_state(copy.peering, &state);
    CHECK(state.peers == 0 && state.late == 1 && !state.done);
    drop_links();
    end_node(&feed);
    end_node(&copy);
}

static void extension_messages_pass(void)
{
    Node feed, copy;
    Err err = {0};

    begin_node(&feed, "feed", false, GIVE(PEERING_AUTO));
    begin_node(&copy, "copy", true, GET(PEERING_AUTO));
    connect_nodes(&copy, &feed);
    run(SIZE_MAX);
    CHECK(peering_extension(feed.peering, STR("greeting"), STR("hello"), &err));
    run(SIZE_MAX);
    CHECK(strcmp(copy.extension, "greeting=hello") == 0);
    CHECK(peering_extension(copy.peering, STR("greeting"), STR("back"), &err));
    run(SIZE_MAX);
    CHECK(strcmp(feed.extension, "greeting=back") == 0);
    drop_links();
    end_node(&feed);
    end_node(&copy);
}

/* A run of short blocks costs little more than its blocks. */
static void runs_cost_little_more_than_their_blocks(void)
{
    ARENA_SCOPE(arena);
    Node feed, copy;
    Err err = {0};
    enum { COUNT = 40000, LEN = 100 }; /* more than one piece of the bits */
    Str *blocks = arena_new(&arena, Str, COUNT);

    begin_node(&feed, "feed", false, GIVE(PEERING_AUTO));
    begin_node(&copy, "copy", true, GET(PEERING_AUTO));
    for (int i = 0; i < COUNT; i++)
        blocks[i] = (Str){arena_new(&arena, char, LEN), LEN};
    CHECK(feed_append(feed.feed, &pair, blocks, COUNT, FEED_BUFFERED, &err));
    CHECK(peering_announce(feed.peering, &err));
    Link *link = connect_nodes(&copy, &feed);
    run(SIZE_MAX);
    CHECK(same(&copy, &feed));
    double ratio = (double)(link->queues[0].bytes_total + link->queues[1].bytes_total) / (COUNT * LEN);
    printf("# %.3f bytes for each of the blocks\n", ratio);
    CHECK(ratio < 1.15);
    drop_links();
    end_node(&feed);
    end_node(&copy);
}

int main(void)
{
    unsigned char bytes[SIGN_SEED_BYTES];

    memset(bytes, 3, sizeof bytes);
    sign_pair_from_seed(bytes, &pair);
    feed_identity_new(pair.public_key, &identity);
    CHECK(mkdtemp(dir) != NULL);
    take_seed();
    RUN(a_copy_gets_all_of_it_and_what_comes_after);
    RUN(a_copy_is_made_anew_from_its_log);
    RUN(what_no_peer_has_alone_comes_from_several);
    RUN(damaged_blocks_are_told_on_both_sides_and_the_others_come);
    RUN(no_damage_is_passed_over_in_silence);
    RUN(blocks_that_are_cleared_while_they_are_asked_for_are_not_denied);
    RUN(a_copy_may_want_some_blocks_only);
    RUN(copies_follow_a_truncated_feed);
    RUN(only_what_is_new_in_a_fork_is_sent);
    RUN(two_histories_of_a_feed_are_found_and_proven);
    RUN(nothing_that_was_changed_on_its_way_is_kept);
    RUN(a_peer_that_does_not_answer_is_let_go);
    RUN(extension_messages_pass);
    RUN(runs_cost_little_more_than_their_blocks);
    (void)rmdir(dir);
    DONE();
}
