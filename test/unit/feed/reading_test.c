/* SPDX-License-Identifier: Apache-2.0 */
/* A feed through its reading key: what is kept, what comes back, and when it is refused. */
#include "feed/reading.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/fault.h"
#include "base/os.h"
#include "test/check.h"

static char top[] = "/tmp/strata-reading-XXXXXX", dir[64], keys_dir[64];
static const Str blocks[] = {{"one", 3}, {"", 0}, {"three", 5}};

/* An encrypted feed, open for writing, and what it takes to append to it. */
typedef struct Scene {
    FeedStore *store;
    Keystore *keys;
    unsigned char key[FEED_KEY_BYTES];
    StoreFeed about;
    SignPair pair;
    Feed *feed;
} Scene;

static void begin(Arena *arena, bool compat, Scene *out)
{
    Err err = {0};

    CHECK(mkdir(keys_dir, 0700) == 0);
    *out = (Scene){.store = store_open(arena, dir, NULL),
                   .keys = keystore_open(arena, keys_dir, &(KeystoreOptions){.cost = {SEAL_MEMORY_MIN, 1}})};
    CHECK(store_create(out->store, out->keys,
                       &(StoreNew){.name = STR("diary"), .compat = compat, .encrypted = true}, out->key,
                       &err));
    CHECK(store_about(out->store, arena, out->key, &out->about, &err));
    CHECK(store_feed(out->store, out->key, FEED_WRITE, &out->feed, &err));
    CHECK(keystore_pair(out->keys, feed_state(out->feed)->identity.signer, &out->pair, &err));
}

static void end(Scene *scene)
{
    Err err = {0};

    store_release(scene->store, scene->feed);
    CHECK(os_remove_tree(dir, &err) && os_remove_tree(keys_dir, &err));
}

static bool append(Scene *scene, Reading *reading, Err *err)
{
    return reading_append(reading, scene->feed, &scene->pair, blocks, COUNT_OF(blocks), FEED_BUFFERED, err);
}

/* Whether the blocks from `first` on are those that append() appends. */
static bool reads(Scene *scene, Reading *reading, uint64_t first)
{
    BUF_SCOPE(bytes);
    Err err = {0};

    for (size_t i = 0; i < COUNT_OF(blocks); i++)
        if (!reading_get(reading, scene->feed, first + i, &bytes, &err) ||
            !str_eq(buf_str(&bytes), blocks[i]))
            return false;
    return true;
}

static void blocks_are_kept_encrypted_and_come_back(void)
{
    for (int compat = 0; compat < 2; compat++) {
        ARENA_SCOPE(arena);
        READING_SCOPE(reading);
        BUF_SCOPE(kept);
        Scene scene;
        Err err = {0};

        begin(&arena, compat, &scene);
        ReadingState state = reading_state(scene.keys, &scene.about.about);
        CHECK(state.encrypted && state.readable && scene.about.about.flags == (META_OWN | META_ENCRYPTED));
        CHECK(reading_open(scene.keys, &scene.about.about, &reading, &err) && reading.encrypted);
        CHECK(append(&scene, &reading, &err) && append(&scene, &reading, &err));
        CHECK(reads(&scene, &reading, 0) && reads(&scene, &reading, 3));
        for (size_t i = 0; i < 2 * COUNT_OF(blocks); i++) {
            Str plain = blocks[i % COUNT_OF(blocks)];

            CHECK(feed_get(scene.feed, i, &kept, &err) && kept.len == plain.len + CIPHER_PADDING);
            CHECK(plain.len == 0 || memcmp(kept.ptr + CIPHER_PADDING, plain.ptr, plain.len) != 0);
        }
        CHECK(!reading_get(&reading, scene.feed, 6, &kept, &err) && err.code == ERR_NOT_FOUND);
        end(&scene);
    }
}

static void a_feed_that_is_not_encrypted_passes_as_it_is(void)
{
    ARENA_SCOPE(arena);
    READING_SCOPE(reading);
    BUF_SCOPE(kept);
    MetaFeed about = {0};
    Scene scene;
    Err err = {0};

    begin(&arena, false, &scene);
    CHECK(reading_open(scene.keys, &about, &reading, &err) && !reading.encrypted);
    CHECK(append(&scene, &reading, &err) && reads(&scene, &reading, 0));
    CHECK(feed_get(scene.feed, 0, &kept, &err) && str_eq(buf_str(&kept), blocks[0]));
    end(&scene);
}

static void without_its_key_a_feed_that_is_noted_is_denied_and_one_that_is_not_passes(void)
{
    ARENA_SCOPE(arena);
    READING_SCOPE(reading);
    unsigned char name[SIGN_PUBLIC_BYTES];
    Scene scene;
    Err err = {0};

    begin(&arena, false, &scene);
    key_reading_name(scene.key, name);
    CHECK(keystore_remove(scene.keys, name, &err));
    ReadingState state = reading_state(scene.keys, &scene.about.about);
    CHECK(state.encrypted && !state.readable);
    CHECK(!reading_open(scene.keys, &scene.about.about, &reading, &err) && err.code == ERR_DENIED &&
          err.hint[0]);
    scene.about.about.flags = 0;
    CHECK(reading_open(scene.keys, &scene.about.about, &reading, &err) && !reading.encrypted);
    end(&scene);
}

static void a_key_makes_a_note_of_its_feed_and_of_no_other(void)
{
    static const unsigned char other[FEED_KEY_BYTES] = {1}, secret[KEY_SECRET_BYTES] = {2};
    ARENA_SCOPE(arena);
    Scene scene;
    StoreFeed about;
    Err err = {0};

    begin(&arena, false, &scene);
    CHECK(store_add(scene.store, other, STR("theirs"), &err));
    CHECK(reading_note(scene.store, scene.keys, other, &err));
    CHECK(store_about(scene.store, &arena, other, &about, &err) && about.about.flags == 0);
    CHECK(keystore_add_reading(scene.keys, other, secret, &(KeystoreNew){0}, &err));
    CHECK(reading_note(scene.store, scene.keys, other, &err) &&
          reading_note(scene.store, scene.keys, other, &err));
    CHECK(store_about(scene.store, &arena, other, &about, &err) && about.about.flags == META_ENCRYPTED &&
          str_eq(about.about.name, STR("theirs")) && about.about.created > 0);
    CHECK(store_remove(scene.store, other, &err) && reading_note(scene.store, scene.keys, other, &err));
    end(&scene);
}

static void another_key_neither_reads_nor_appends(void)
{
    ARENA_SCOPE(arena);
    READING_SCOPE(right);
    READING_SCOPE(wrong);
    BUF_SCOPE(bytes);
    Scene scene;
    Err err = {0};

    begin(&arena, false, &scene);
    CHECK(reading_open(scene.keys, &scene.about.about, &right, &err));
    wrong = right;
    wrong.key[5] ^= 1;
    CHECK(append(&scene, &right, &err));
    CHECK(!reading_get(&wrong, scene.feed, 0, &bytes, &err) && err.code == ERR_DENIED && err.hint[0]);
    CHECK(!append(&scene, &wrong, &err) && err.code == ERR_DENIED);
    CHECK(feed_state(scene.feed)->roots.length == COUNT_OF(blocks) && reads(&scene, &right, 0));
    end(&scene);
}

static void the_longest_block_has_room_for_the_padding(void)
{
    ARENA_SCOPE(arena);
    READING_SCOPE(reading);
    BUF_SCOPE(bytes);
    Str long_one = {arena_new(&arena, char, FEED_BLOCK_MAX), FEED_BLOCK_MAX - CIPHER_PADDING + 1};
    Scene scene;
    Err err = {0};

    begin(&arena, false, &scene);
    CHECK(reading_open(scene.keys, &scene.about.about, &reading, &err));
    CHECK(!reading_append(&reading, scene.feed, &scene.pair, &long_one, 1, FEED_BUFFERED, &err) &&
          err.code == ERR_LIMIT);
    long_one.len--;
    CHECK(reading_append(&reading, scene.feed, &scene.pair, &long_one, 1, FEED_BUFFERED, &err));
    CHECK(reading_get(&reading, scene.feed, 0, &bytes, &err) && str_eq(buf_str(&bytes), long_one));
    end(&scene);
}

/* Neither a feed nor a key is left of one that could not be made. */
static void a_failed_creation_leaves_no_key(void)
{
    int n = 0;

    FOR_EACH_FAULT(EIO) {
        ARENA_SCOPE(arena);
        unsigned char key[FEED_KEY_BYTES];
        KeystoreKey *found;
        size_t count = 9, feeds = 9;
        StoreFeed *all;
        Err err = {0};

        (void)mkdir(keys_dir, 0700);
        FeedStore *store = store_open(&arena, dir, NULL);
        Keystore *keys = keystore_open(&arena, keys_dir, &(KeystoreOptions){.cost = {SEAL_MEMORY_MIN, 1}});
        bool ok = store_create(store, keys, &(StoreNew){.name = STR("diary"), .encrypted = true}, key, &err);

        fault_arm(0, 0);
        n++;
        CHECK(ok || (err.code != ERR_NONE && err.text[0]));
        CHECK(keystore_list(keys, &arena, KEYSTORE_OWN, &found, &count, &err) && count == (ok ? 2 : 0));
        CHECK(store_list(store, &arena, &all, &feeds, &err) && feeds == (size_t)ok);
        CHECK(os_remove_tree(keys_dir, &err));
        (void)!os_remove_tree(dir, &err); /* it may not be there yet */
    }
    CHECK(n > 25);
}

int main(void)
{
    Err err = {0};

    CHECK(mkdtemp(top) != NULL);
    (void)snprintf(dir, sizeof dir, "%s/feeds", top);
    (void)snprintf(keys_dir, sizeof keys_dir, "%s/keys", top);
    RUN(blocks_are_kept_encrypted_and_come_back);
    RUN(a_feed_that_is_not_encrypted_passes_as_it_is);
    RUN(without_its_key_a_feed_that_is_noted_is_denied_and_one_that_is_not_passes);
    RUN(a_key_makes_a_note_of_its_feed_and_of_no_other);
    RUN(another_key_neither_reads_nor_appends);
    RUN(the_longest_block_has_room_for_the_padding);
    RUN(a_failed_creation_leaves_no_key);
    CHECK(os_remove_tree(top, &err));
    DONE();
}
