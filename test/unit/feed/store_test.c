/* SPDX-License-Identifier: Apache-2.0 */
/* The feeds of an instance: making, finding and removing them, and how many are open. */
#include "feed/store.h"
#include "feed/store_inside.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/os.h"
#include "test/check.h"

static char top[] = "/tmp/strata-store-XXXXXX", dir[64], keys_dir[64];

static FeedStore *open_store(Arena *arena)
{
    return store_open(arena, dir, NULL);
}

static Keystore *open_keys(Arena *arena)
{
    (void)mkdir(keys_dir, 0700);
    return keystore_open(arena, keys_dir, &(KeystoreOptions){.cost = {SEAL_MEMORY_MIN, 1}});
}

static void clean(void)
{
    Err err = {0};

    CHECK(os_remove_tree(dir, &err) && os_remove_tree(keys_dir, &err));
}

static bool make(FeedStore *store, Keystore *keys, const char *name, unsigned char key[FEED_KEY_BYTES],
                 Err *err)
{
    return store_create(store, keys, &(StoreNew){.name = str_from_z(name)}, key, err);
}

static size_t count_feeds(FeedStore *store)
{
    ARENA_SCOPE(arena);
    StoreFeed *feeds;
    size_t count = 0;
    Err err = {0};

    CHECK(store_list(store, &arena, &feeds, &count, &err));
    return count;
}

static size_t count_names(const char *path)
{
    DIR *found = opendir(path);
    size_t count = 0;

    if (!found)
        return 0;
    while (readdir(found))
        count++;
    (void)closedir(found);
    return count - 2;
}

static size_t count_unfinished(void)
{
    char path[80];

    (void)snprintf(path, sizeof path, "%s/new", dir);
    return count_names(path);
}

static size_t count_keys(Keystore *keys)
{
    ARENA_SCOPE(arena);
    KeystoreKey *found;
    size_t count = 0;
    Err err = {0};

    CHECK(keystore_list(keys, &arena, KEYSTORE_OWN, &found, &count, &err));
    return count;
}

static void what_is_created_can_be_found_and_appended_to(void)
{
    ARENA_SCOPE(arena);
    FeedStore *store = open_store(&arena);
    Keystore *keys = open_keys(&arena);
    unsigned char key[FEED_KEY_BYTES];
    SIGN_SCOPE(pair);
    StoreFeed found;
    Feed *feed;
    Err err = {0};

    CHECK(count_feeds(store) == 0);
    CHECK(make(store, keys, "notes", key, &err));
    CHECK(store_feed(store, key, FEED_WRITE, &feed, &err));
    CHECK(keystore_pair(keys, feed_state(feed)->identity.signer, &pair, &err));
    CHECK(feed_append(feed, &pair, &STR("one"), 1, FEED_DURABLE, &err));
    store_release(store, feed);
    CHECK(store_find(store, &arena, STR("notes"), &found, &err));
    CHECK(memcmp(found.about.key, key, sizeof key) == 0 && found.about.created > 0);
    CHECK(count_feeds(store) == 1 && count_unfinished() == 0);
    CHECK(!make(store, keys, "notes", key, &err) && err.code == ERR_CONFLICT);
    CHECK(!make(store, keys, "-x", key, &err) && err.code == ERR_USAGE);
    CHECK(count_feeds(store) == 1 && count_keys(keys) == 1);
    clean();
}

static Str first_digits(Arena *arena, const unsigned char *key, size_t count)
{
    BUF_SCOPE(hex);

    buf_put_hex(&hex, key, FEED_KEY_BYTES);
    return str_copy(arena, str_sub(buf_str(&hex), 0, count));
}

static void digits_stand_for_a_key_when_they_are_of_one(void)
{
    ARENA_SCOPE(arena);
    FeedStore *store = open_store(&arena);
    unsigned char key[2][FEED_KEY_BYTES] = {{0xab, 0xcd, 0xe1}, {0xab, 0xcd, 0xe2}};
    StoreFeed found;
    Err err = {0};

    for (int i = 0; i < 2; i++)
        CHECK(store_add(store, key[i], STR(""), &err));
    CHECK(!store_add(store, key[0], STR(""), &err) && err.code == ERR_CONFLICT);
    CHECK(!store_find(store, &arena, STR("abcd"), &found, &err) && err.code == ERR_CONFLICT);
    CHECK(store_find(store, &arena, STR("ABCDE1"), &found, &err) && found.about.key[2] == 0xe1);
    CHECK(store_find(store, &arena, first_digits(&arena, key[1], 64), &found, &err) &&
          found.about.key[2] == 0xe2);
    CHECK(!store_find(store, &arena, STR("abc"), &found, &err) && err.code == ERR_NOT_FOUND);
    CHECK(!store_find(store, &arena, STR("beef"), &found, &err) && err.code == ERR_NOT_FOUND);
    key[0][0] = 0;
    CHECK(!store_find(store, &arena, first_digits(&arena, key[0], 64), &found, &err) &&
          err.code == ERR_NOT_FOUND);
    CHECK(store_add(store, key[0], STR("abcd"), &err));
    CHECK(store_find(store, &arena, STR("abcd"), &found, &err) &&
          found.about.key[0] == 0); /* a name comes first */
    clean();
}

static size_t count_descriptors(void)
{
    return count_names("/proc/self/fd");
}

/* A key that differs from others in its first byte. */
#define KEY(number) ((unsigned char[FEED_KEY_BYTES]){(unsigned char)(number)})

static void few_feeds_are_open_and_those_in_use_stay(void)
{
    enum { FEEDS = 10, MOST = 3 };
    ARENA_SCOPE(arena);
    FeedStore *store = store_open(&arena, dir, &(StoreOptions){.open_max = MOST});
    size_t before = count_descriptors();
    Feed *first, *feed, *used[MOST];
    Err err = {0};

    for (int i = 0; i < FEEDS; i++)
        CHECK(store_add(store, KEY(i), STR(""), &err));
    CHECK(store_feed(store, KEY(0), FEED_READ, &first, &err));
    for (int i = 1; i < FEEDS; i++) {
        CHECK(store_feed(store, KEY(i), FEED_READ, &feed, &err));
        store_release(store, feed);
        CHECK(store_open_count(store) <= MOST && count_descriptors() <= before + (size_t)3 * MOST);
    }
    CHECK(feed_state(first)->identity.key[0] == 0);
    store_release(store, first);
    for (int i = 0; i < MOST; i++)
        CHECK(store_feed(store, KEY(i), FEED_READ, &used[i], &err));
    CHECK(used[0] == first);
    CHECK(!store_feed(store, KEY(MOST), FEED_READ, &feed, &err) && err.code == ERR_LIMIT);
    for (int i = 0; i < MOST; i++)
        store_release(store, used[i]);
    CHECK(store_feed(store, KEY(MOST), FEED_READ, &feed, &err));
    store_release(store, feed);
    clean();
}

static void who_reads_again_sees_what_was_appended_since(void)
{
    ARENA_SCOPE(arena);
    ARENA_SCOPE(elsewhere);
    FeedStore *store = open_store(&arena), *other = open_store(&elsewhere);
    Keystore *keys = open_keys(&arena);
    unsigned char key[FEED_KEY_BYTES];
    SIGN_SCOPE(pair);
    Feed *feed, *again;
    Err err = {0};

    CHECK(make(store, keys, "", key, &err));
    CHECK(store_feed(store, key, FEED_READ, &feed, &err));
    CHECK(keystore_pair(keys, feed_state(feed)->identity.signer, &pair, &err));
    store_release(store, feed);
    CHECK(store_feed(other, key, FEED_WRITE, &again, &err));
    CHECK(feed_append(again, &pair, &STR("one"), 1, FEED_DURABLE, &err));
    CHECK(!store_remove(store, key, &err) && err.code == ERR_BUSY);
    store_release(other, again);
    CHECK(store_feed(store, key, FEED_READ, &again, &err));
    CHECK(feed_state(again)->roots.length == 1);
    CHECK(!store_remove(store, key, &err) && err.code == ERR_BUSY); /* in use here */
    store_release(store, again);
    CHECK(store_remove(other, key, &err));
    CHECK(!store_feed(store, key, FEED_READ, &again, &err) && err.code == ERR_NOT_FOUND);
    CHECK(!store_remove(store, key, &err) && err.code == ERR_NOT_FOUND);
    CHECK(count_feeds(store) == 0 && count_keys(keys) == 1 && count_unfinished() == 0);
    clean();
}

static void a_feed_that_nobody_noted_is_found_by_its_key(void)
{
    ARENA_SCOPE(arena);
    unsigned char key[FEED_KEY_BYTES] = {1};
    StoreFeed found;
    Err err = {0};

    CHECK(store_add(open_store(&arena), key, STR("a"), &err));
    CHECK(unlink(str_printf(&arena, "%s/meta", dir).ptr) == 0);
    FeedStore *store = open_store(&arena);
    CHECK(count_feeds(store) == 0);
    CHECK(store_find(store, &arena, first_digits(&arena, key, 64), &found, &err));
    CHECK(found.about.name.len == 0 && memcmp(found.about.key, key, sizeof key) == 0);
    clean();
}

static void a_feed_becomes_ones_own_when_its_key_is_there(void)
{
    ARENA_SCOPE(arena);
    FeedStore *store = open_store(&arena), *other = open_store(&arena);
    unsigned char key[FEED_KEY_BYTES] = {1};
    StoreFeed found;
    Err err = {0};

    CHECK(store_add(store, key, STR("a"), &err));
    CHECK(store_about(store, &arena, key, &found, &err) && !(found.about.flags & META_OWN));
    CHECK(store_own(store, key, &err) && store_own(store, key, &err));
    CHECK(store_about(other, &arena, key, &found, &err) && found.about.flags == META_OWN);
    CHECK(str_eq(found.about.name, STR("a")) && found.about.created != 0);
    key[0] = 2;
    CHECK(store_own(store, key, &err) && count_feeds(store) == 1); /* nobody noted it */
    clean();
}

static void a_feed_is_unconfirmed_until_somebody_confirms_it(void)
{
    ARENA_SCOPE(arena);
    FeedStore *store = open_store(&arena);
    unsigned char key[FEED_KEY_BYTES] = {1};
    bool unconfirmed = true;
    Err err = {0};

    CHECK(store_add(store, key, STR("a"), &err));
    CHECK(store_is_unconfirmed(store, key, &unconfirmed, &err) && !unconfirmed);
    CHECK(store_mark(store_path(store, &arena, key), &err));
    CHECK(store_is_unconfirmed(store, key, &unconfirmed, &err) && unconfirmed);
    CHECK(store_confirm(store, key, &err) && store_is_unconfirmed(store, key, &unconfirmed, &err) &&
          !unconfirmed);
    CHECK(store_confirm(store, key, &err));
    key[0] = 2;
    CHECK(!store_confirm(store, key, &err) && err.code == ERR_NOT_FOUND);
    CHECK(!store_is_unconfirmed(store, key, &unconfirmed, &err) && err.code == ERR_NOT_FOUND);
    clean();
}

/* Whatever call fails: there is the feed, or there is nothing, and a second try succeeds. */
static void a_failure_leaves_a_whole_feed_or_none(void)
{
    int n = 0;

    FOR_EACH_FAULT(EIO) {
        ARENA_SCOPE(arena);
        FeedStore *store = open_store(&arena);
        Keystore *keys = open_keys(&arena);
        unsigned char key[FEED_KEY_BYTES];
        Err err = {0};
        bool ok = make(store, keys, "notes", key, &err);

        fault_arm(0, 0);
        n++;
        CHECK(ok || (err.code != ERR_NONE && err.text[0]));
        CHECK(count_feeds(store) == (size_t)ok);
        CHECK(count_keys(keys) == (size_t)ok);
        if (!ok)
            CHECK(make(store, keys, "notes", key, &err));
        CHECK(count_feeds(store) == 1 && count_unfinished() == 0);
        clean();
    }
    CHECK(n > 20);
}

/* As the loop above, with the end of the process in place of a failure. */
static void a_kill_leaves_a_whole_feed_or_none(void)
{
    static const char *const points[] = {"feed_key_noted",   "feed_key_added", "feed_made",
                                         "feed_noted",       "feed_placed",    "feed_batch_written",
                                         "feed_tree_written"};

    for (size_t i = 0; i < COUNT_OF(points); i++) {
        ARENA_SCOPE(arena);
        FeedStore *store = open_store(&arena);
        Keystore *keys = open_keys(&arena);
        unsigned char key[FEED_KEY_BYTES];
        int status = 0;
        Err err = {0};
        pid_t child = fork();

        if (child == 0) {
            (void)setenv("STRATA_FAULT", str_printf(&arena, "%s:kill", points[i]).ptr, 1);
            (void)(fault_init(&err) && make(store, keys, "notes", key, &err));
            _exit(0);
        }
        CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        size_t made = count_feeds(store);
        CHECK(made == (strcmp(points[i], "feed_placed") == 0));
        if (i % 2) /* whoever has no keys leaves what is needed to clear them */
            CHECK(store_add(store, (unsigned char[FEED_KEY_BYTES]){1}, (Str){0}, &err) &&
                  store_remove(store, KEY(1), &err));
        CHECK(make(store, keys, "other", key, &err)); /* which clears what the dead one left */
        CHECK(count_feeds(store) == made + 1 && count_unfinished() == 0);
        CHECK(count_keys(keys) == made + 1);
        clean();
    }
}

/* Its feed had its place already, and is removed before anybody makes another one. */
static void a_key_that_signed_is_never_taken_back(void)
{
    ARENA_SCOPE(arena);
    FeedStore *store = open_store(&arena);
    Keystore *keys = open_keys(&arena);
    unsigned char key[FEED_KEY_BYTES];
    StoreFeed *feeds;
    size_t count = 0;
    int status = 0;
    Err err = {0};
    pid_t child = fork();

    if (child == 0) {
        (void)setenv("STRATA_FAULT", "feed_placed:kill", 1);
        (void)(fault_init(&err) && make(store, keys, "notes", key, &err));
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status));
    CHECK(store_list(store, &arena, &feeds, &count, &err) && count == 1);
    CHECK(count == 1 && store_remove(store, feeds[0].about.key, &err));
    CHECK(make(store, keys, "notes", key, &err) && count_keys(keys) == 2 && count_unfinished() == 0);
    clean();
}

/* The same bytes in another file, as cp, tar and rsync leave them. */
static void replace_file(Arena *arena, const char *path)
{
    const char *copy = str_printf(arena, "%s.copy", path).ptr;
    BUF_SCOPE(bytes);
    Err err = {0};

    CHECK(os_read_file(path, 1 << 20, &bytes, &err) && os_write_file(copy, buf_str(&bytes), 0600, &err));
    CHECK(os_rename(copy, path) == 0);
}

static void a_feed_that_was_copied_is_unconfirmed_until_it_is_confirmed_there(void)
{
    ARENA_SCOPE(arena);
    FeedStore *store = open_store(&arena);
    unsigned char key[FEED_KEY_BYTES];
    bool unconfirmed = true;
    Err err = {0};
    Feed *feed;

    CHECK(store_create(store, open_keys(&arena), &(StoreNew){0}, key, &err));
    const char *path = store_path(store, &arena, key);
    CHECK(store_is_unconfirmed(store, key, &unconfirmed, &err) && !unconfirmed);
    replace_file(&arena, str_printf(&arena, "%s/tree", path).ptr); /* derived, and read all the same */
    CHECK(store_is_unconfirmed(store, key, &unconfirmed, &err) && !unconfirmed);
    replace_file(&arena, str_printf(&arena, "%s/head", path).ptr);
    CHECK(store_is_unconfirmed(store, key, &unconfirmed, &err) && unconfirmed);
    CHECK(store_own(store, key, &err) && store_is_unconfirmed(store, key, &unconfirmed, &err) && unconfirmed);
    CHECK(store_confirm(store, key, &err) && store_is_unconfirmed(store, key, &unconfirmed, &err) &&
          !unconfirmed);
    CHECK(store_feed(store, key, FEED_WRITE, &feed, &err));
    CHECK(store_is_unconfirmed(store, key, &unconfirmed, &err) && !unconfirmed);
    CHECK(store_doubt(store, key, &err) && store_is_unconfirmed(store, key, &unconfirmed, &err) &&
          unconfirmed);
    store_release(store, feed);
    clean();
}

int main(void)
{
    Err err = {0};

    CHECK(mkdtemp(top) != NULL);
    (void)snprintf(dir, sizeof dir, "%s/feeds", top);
    (void)snprintf(keys_dir, sizeof keys_dir, "%s/keys", top);
    RUN(what_is_created_can_be_found_and_appended_to);
    RUN(digits_stand_for_a_key_when_they_are_of_one);
    RUN(few_feeds_are_open_and_those_in_use_stay);
    RUN(who_reads_again_sees_what_was_appended_since);
    RUN(a_feed_that_nobody_noted_is_found_by_its_key);
    RUN(a_feed_becomes_ones_own_when_its_key_is_there);
    RUN(a_feed_is_unconfirmed_until_somebody_confirms_it);
    RUN(a_feed_that_was_copied_is_unconfirmed_until_it_is_confirmed_there);
    RUN(a_failure_leaves_a_whole_feed_or_none);
    RUN(a_kill_leaves_a_whole_feed_or_none);
    RUN(a_key_that_signed_is_never_taken_back);
    CHECK(os_remove_tree(top, &err));
    DONE();
}
