/* SPDX-License-Identifier: Apache-2.0 */
/* Key stores in a scratch directory: who opens them, what is in them, what a failure or a kill leaves. */
#include "crypto/keystore.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/os.h"
#include "crypto/armour.h"
#include "test/check.h"

static char top[] = "/tmp/strata-keystore-XXXXXX", dir[64];

/* ---- who knows which passphrase ---- */

typedef struct Asker {
    const char *answer, *then; /* the second one for KEYSTORE_AGAIN */
    int asked;
} Asker;

static bool get(void *ctx, KeystoreAsk why, Secret *out, Err *err)
{
    Asker *asker = ctx;
    const char *answer = why == KEYSTORE_AGAIN ? asker->then : asker->answer;

    asker->asked++;
    if (!answer)
        return err_set(err, ERR_DENIED, "nobody knows it");
    return secret_put(out, str_from_z(answer));
}

static Asker asker;
static const SealCost cheap = {SEAL_MEMORY_MIN, 1};

static Keystore *open_store(Arena *arena, const char *passphrase)
{
    asker = (Asker){.answer = passphrase};
    return keystore_open(arena, dir, &(KeystoreOptions){.get = get, .ctx = &asker, .cost = cheap});
}

static Keystore *open_with_file(Arena *arena)
{
    return keystore_open(arena, dir, &(KeystoreOptions){.cost = cheap});
}

static void begin(void)
{
    CHECK(mkdir(dir, 0700) == 0);
}

static void clean(void)
{
    Err err = {0};

    CHECK(os_remove_tree(dir, &err));
}

static const char *path_of(Arena *arena, const char *name)
{
    return str_printf(arena, "%s/%s", dir, name).ptr;
}

static const char *own_path(Arena *arena, const SignPair *pair)
{
    BUF_SCOPE(hex);

    buf_put_hex(&hex, pair->public_key, SIGN_PUBLIC_BYTES);
    return str_printf(arena, "%s/own/%.*s", dir, STR_ARG(buf_str(&hex))).ptr;
}

static bool has(Keystore *store, const SignPair *pair, Err *err)
{
    SIGN_SCOPE(found);

    return keystore_pair(store, pair->public_key, &found, err) && memcmp(&found, pair, sizeof found) == 0;
}

static bool change(Keystore *store, const char *passphrase, Err *err)
{
    SECRET_SCOPE(secret);

    secret_init(&secret, KEYSTORE_PASSPHRASE_MAX);
    CHECK(secret_put(&secret, str_from_z(passphrase)));
    return keystore_change(store, passphrase ? &secret : NULL, err);
}

/* Whether a fresh store opens with this passphrase (NULL: with the key file alone), and has the pair. */
static bool opens(const char *passphrase, const SignPair *pair, Err *err)
{
    ARENA_SCOPE(arena);

    *err = (Err){0};
    return has(passphrase ? open_store(&arena, passphrase) : open_with_file(&arena), pair, err);
}

static const KeystoreNew feed_key = {.kind = KEY_FEED};

/* ---- what it is for ---- */

static void a_key_comes_back_with_and_without_a_passphrase(void)
{
    static const char *const passphrases[] = {NULL, "a passphrase"};

    for (size_t i = 0; i < COUNT_OF(passphrases); i++) {
        ARENA_SCOPE(arena);
        SIGN_SCOPE(pair);
        SIGN_SCOPE(other);
        Err err = {0};
        KeystoreState state;

        begin();
        sign_pair_new(&pair);
        sign_pair_new(&other);
        Keystore *store = passphrases[i] ? open_store(&arena, passphrases[i]) : open_with_file(&arena);
        CHECK(keystore_state(store, &state, &err) && state == KEYSTORE_NONE);
        CHECK(!has(store, &pair, &err) && err.code == ERR_NOT_FOUND);
        CHECK(keystore_state(store, &state, &err) && state == KEYSTORE_NONE); /* looking makes nothing */
        CHECK(keystore_add(store, &pair, &feed_key, &err));
        CHECK(keystore_state(store, &state, &err) && state == (i ? KEYSTORE_PASSPHRASE : KEYSTORE_KEY_FILE));
        CHECK(has(store, &pair, &err) && opens(passphrases[i], &pair, &err));
        CHECK(!keystore_add(store, &pair, &feed_key, &err) && err.code == ERR_CONFLICT);
        CHECK(!opens(passphrases[i], &other, &err) && err.code == ERR_NOT_FOUND);
        CHECK(access(path_of(&arena, "unlock"), F_OK) == (i ? -1 : 0));
        clean();
    }
}

/* Whether a fresh store has this reading key of the feed. */
static bool reads(const char *passphrase, const unsigned char *feed, const unsigned char *secret, Err *err)
{
    ARENA_SCOPE(arena);
    unsigned char found[KEY_SECRET_BYTES];
    Keystore *store = passphrase ? open_store(&arena, passphrase) : open_with_file(&arena);

    *err = (Err){0};
    return keystore_reading(store, feed, found, err) && memcmp(found, secret, sizeof found) == 0;
}

static void a_reading_key_comes_back_by_its_feed(void)
{
    static const char *const passphrases[] = {NULL, "a passphrase"};
    static const unsigned char feed[SIGN_PUBLIC_BYTES] = {1}, other[SIGN_PUBLIC_BYTES] = {2},
                               secret[KEY_SECRET_BYTES] = {3, 4};

    for (size_t i = 0; i < COUNT_OF(passphrases); i++) {
        ARENA_SCOPE(arena);
        KeystoreNew what = {.name = STR("diary.reading"), .unique = true};
        unsigned char name[SIGN_PUBLIC_BYTES];
        KeystoreKey key = {0};
        Err err = {0};

        begin();
        Keystore *store = passphrases[i] ? open_store(&arena, passphrases[i]) : open_with_file(&arena);
        CHECK(!keystore_has_reading(store, feed));
        CHECK(keystore_add_reading(store, feed, secret, &what, &err) && keystore_has_reading(store, feed));
        CHECK(reads(passphrases[i], feed, secret, &err) && !keystore_has_reading(store, other));
        CHECK(!reads(passphrases[i], other, secret, &err) && err.code == ERR_NOT_FOUND);
        CHECK(!reads("wrong", feed, secret, &err) == (i == 1));
        CHECK(!keystore_add_reading(store, feed, other, &what, &err) && err.code == ERR_CONFLICT);
        CHECK(!keystore_add_reading(store, other, secret, &what, &err) &&
              err.code == ERR_CONFLICT); /* the name */
        CHECK(keystore_find(store, &arena, KEYSTORE_OWN, what.name, &key, &err) &&
              key.info.kind == KEY_READING && memcmp(key.info.parent, feed, sizeof feed) == 0);
        key_reading_name(feed, name);
        CHECK(memcmp(key.info.public_key, name, sizeof name) == 0);
        CHECK(keystore_remove(store, name, &err) && !keystore_has_reading(store, feed));
        CHECK(!reads(passphrases[i], feed, secret, &err) && err.code == ERR_NOT_FOUND);
        clean();
    }
}

static void a_reading_key_is_neither_a_pair_nor_public(void)
{
    static const unsigned char feed[SIGN_PUBLIC_BYTES] = {1}, secret[KEY_SECRET_BYTES] = {3, 4};
    ARENA_SCOPE(arena);
    SIGN_SCOPE(pair);
    KeystoreNew what = {.kind = KEY_READING, .name = STR("x")};
    unsigned char name[SIGN_PUBLIC_BYTES];
    Err err = {0};

    begin();
    sign_pair_new(&pair);
    Keystore *store = open_with_file(&arena);
    CHECK(!keystore_add(store, &pair, &what, &err) && err.code == ERR_USAGE);
    CHECK(!keystore_know(store, pair.public_key, &what, &err) && err.code == ERR_USAGE);
    CHECK(keystore_add_reading(store, feed, secret, &what, &err));
    key_reading_name(feed, name);
    CHECK(!keystore_pair(store, name, &pair, &err) && err.code == ERR_USAGE);
    clean();
}

static void a_wrong_passphrase_is_denied_and_asked_for_again(void)
{
    ARENA_SCOPE(arena);
    SIGN_SCOPE(pair);
    Err err = {0};

    begin();
    sign_pair_new(&pair);
    CHECK(keystore_add(open_store(&arena, "right"), &pair, &feed_key, &err) && asker.asked == 1);
    CHECK(!opens("wrong", &pair, &err) && err.code == ERR_DENIED && asker.asked == 2);
    CHECK(!opens("", &pair, &err) && err.code == ERR_DENIED);
    CHECK(!opens(NULL, &pair, &err) && err.code == ERR_DENIED);
    Keystore *store = open_store(&arena, "wrong");
    asker.then = "right";
    CHECK(has(store, &pair, &err) && asker.asked == 2);
    CHECK(has(store, &pair, &err) && asker.asked == 2);
    clean();
}

static void a_passphrase_is_changed_and_taken_away_and_given(void)
{
    static const char *const steps[] = {"first", NULL, NULL, "second", "third", "third", NULL, "last"};
    ARENA_SCOPE(arena);
    SIGN_SCOPE(pair);
    Err err = {0};

    begin();
    sign_pair_new(&pair);
    CHECK(keystore_add(open_with_file(&arena), &pair, &feed_key, &err));
    const char *before = NULL;
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        BUF_SCOPE(unlock);

        if (!before)
            CHECK(os_read_file(path_of(&arena, "unlock"), 1000, &unlock, &err));
        CHECK(change(before ? open_store(&arena, before) : open_with_file(&arena), steps[i], &err));
        CHECK(opens(steps[i], &pair, &err));
        CHECK(access(path_of(&arena, "unlock"), F_OK) == (steps[i] ? -1 : 0));
        if (before && steps[i] && strcmp(before, steps[i]) != 0)
            CHECK(!opens(before, &pair, &err) && err.code == ERR_DENIED);
        if (!before && !steps[i]) { /* the key file of before opens it no longer */
            CHECK(os_write_file(path_of(&arena, "kept"), buf_str(&unlock), 0600, &err));
            Keystore *old = keystore_open(&arena, dir, &(KeystoreOptions){.unlock = path_of(&arena, "kept")});
            CHECK(!has(old, &pair, &err) && err.code == ERR_DENIED);
        }
        before = steps[i];
    }
    CHECK(!change(open_store(&arena, "wrong"), "new", &err) && err.code == ERR_DENIED &&
          opens("last", &pair, &err));
    CHECK(!change(open_store(&arena, "last"), "", &err) && err.code == ERR_USAGE &&
          opens("last", &pair, &err));
    clean();
}

static void the_key_file_may_be_elsewhere_and_is_for_its_owner_only(void)
{
    ARENA_SCOPE(arena);
    SIGN_SCOPE(pair);
    Err err = {0};
    const char *elsewhere = str_printf(&arena, "%s/stick", top).ptr;
    KeystoreOptions options = {.unlock = elsewhere};
    struct stat st;

    begin();
    sign_pair_new(&pair);
    CHECK(keystore_add(keystore_open(&arena, dir, &options), &pair, &feed_key, &err));
    CHECK(access(path_of(&arena, "unlock"), F_OK) < 0 && stat(elsewhere, &st) == 0 &&
          (st.st_mode & 0777) == 0600);
    CHECK(has(keystore_open(&arena, dir, &options), &pair, &err));
    CHECK(!opens(NULL, &pair, &err) && err.code == ERR_DENIED && strstr(err.text, "there is no key file"));
    for (mode_t bit = 1; bit < 0100; bit <<= 1) {
        CHECK(chmod(elsewhere, 0600 | bit) == 0);
        CHECK(!has(keystore_open(&arena, dir, &options), &pair, &err) && err.code == ERR_CONFIG);
    }
    CHECK(unlink(elsewhere) == 0);
    clean();
}

static void everything_is_for_its_owner_only(void)
{
    ARENA_SCOPE(arena);
    SIGN_SCOPE(pair);
    SIGN_SCOPE(other);
    SIGN_SCOPE(node);
    Err err = {0};
    static const char *const directories[] = {"own", "known"}, *const files[] = {"root", "unlock", "node"};
    struct stat st;
    mode_t mask = umask(0);

    begin();
    sign_pair_new(&pair);
    sign_pair_new(&other);
    Keystore *store = open_with_file(&arena);
    CHECK(keystore_add(store, &pair, &feed_key, &err) && keystore_node(store, &node, &err));
    CHECK(keystore_know(store, other.public_key, &(KeystoreNew){.kind = KEY_IDENTITY, .name = STR("ann")},
                        &err));
    (void)umask(mask);
    for (size_t i = 0; i < COUNT_OF(directories); i++)
        CHECK(stat(path_of(&arena, directories[i]), &st) == 0 && (st.st_mode & 0777) == 0700);
    for (size_t i = 0; i < COUNT_OF(files); i++)
        CHECK(stat(path_of(&arena, files[i]), &st) == 0 && (st.st_mode & 0777) == 0600);
    CHECK(stat(own_path(&arena, &pair), &st) == 0 && (st.st_mode & 0777) == 0600);
    clean();
}

static bool contains(const char *path, Str bytes)
{
    BUF_SCOPE(all);
    Err err = {0};

    CHECK(os_read_file(path, 1 << 20, &all, &err));
    return memmem(all.ptr, all.len, bytes.ptr, bytes.len) != NULL;
}

static void no_secret_is_in_clear(void)
{
    ARENA_SCOPE(arena);
    SIGN_SCOPE(pair);
    Err err = {0};

    begin();
    sign_pair_new(&pair);
    CHECK(keystore_add(open_with_file(&arena), &pair, &feed_key, &err));
    CHECK(contains(own_path(&arena, &pair), (Str){(const char *)pair.public_key, 32}));
    for (size_t i = 0; i + 4 <= SIGN_SEED_BYTES; i++)
        CHECK(!contains(own_path(&arena, &pair), (Str){(const char *)pair.secret_key + i, 4}));
    clean();
}

static void the_node_has_one_key(void)
{
    ARENA_SCOPE(arena);
    SIGN_SCOPE(first);
    SIGN_SCOPE(second);
    Err err = {0};
    KeystoreKey *keys;
    size_t count;

    begin();
    CHECK(keystore_node(open_with_file(&arena), &first, &err) &&
          keystore_node(open_with_file(&arena), &second, &err));
    CHECK(memcmp(&first, &second, sizeof first) == 0);
    CHECK(keystore_list(open_with_file(&arena), &arena, KEYSTORE_ALL, &keys, &count, &err) && count == 1 &&
          keys[0].own && keys[0].info.kind == KEY_PEER);
    clean();
}

/* test/fixture/keys was made by the first program that wrote this format; ann.txt is her key, exported. */
static void keys_of_version_1_are_read(void)
{
    ARENA_SCOPE(arena);
    SIGN_SCOPE(pair);
    SIGN_SCOPE(exported);
    BUF_SCOPE(text);
    BUF_SCOPE(bytes);
    const char *src = getenv("SRC"), *kept = str_printf(&arena, "%s/test/fixture/keys", src ? src : ".").ptr;
    KeystoreKey ann = {0}, bob = {0};
    KeyFile file = {0};
    Err err = {0};

    asker = (Asker){.answer = "pw"};
    Keystore *store = keystore_open(&arena, kept, &(KeystoreOptions){.get = get, .ctx = &asker});
    CHECK(keystore_find(store, &arena, KEYSTORE_OWN, STR("ann"), &ann, &err) &&
          ann.info.kind == KEY_IDENTITY);
    CHECK(keystore_find(store, &arena, KEYSTORE_KNOWN, STR("bob"), &bob, &err) && bob.info.kind == KEY_PEER);
    CHECK(keystore_pair(store, ann.info.public_key, &pair, &err));
    CHECK(os_read_file(str_printf(&arena, "%s/ann.txt", kept).ptr, ARMOUR_MAX, &text, &err) &&
          armour_read(buf_str(&text), &bytes, &file, &err));
    CHECK(keyfile_take(&file, NULL, STR("x"), &exported, &err) && memcmp(&pair, &exported, sizeof pair) == 0);
}

/* ---- names ---- */

static void keys_are_found_by_name_and_by_their_first_digits(void)
{
    ARENA_SCOPE(arena);
    SIGN_SCOPE(pair);
    SIGN_SCOPE(other);
    Err err = {0};
    BUF_SCOPE(hex);
    KeystoreKey key;
    Keystore *store = open_with_file(&arena);

    begin();
    sign_pair_new(&pair);
    sign_pair_new(&other);
    buf_put_hex(&hex, pair.public_key, SIGN_PUBLIC_BYTES);
    KeystoreNew mine = {
        .kind = KEY_FEED, .name = STR("my feed"), .parent = other.public_key, .created = 5, .unique = true};
    CHECK(keystore_add(store, &pair, &mine, &err));
    KeystoreNew ann = {.kind = KEY_IDENTITY, .name = STR("ann"), .unique = true};
    CHECK(keystore_know(store, other.public_key, &ann, &err));
    CHECK(keystore_find(store, &arena, KEYSTORE_ALL, STR("my feed"), &key, &err) && key.own &&
          key.info.created == 5);
    CHECK(memcmp(key.info.public_key, pair.public_key, 32) == 0 &&
          memcmp(key.info.parent, other.public_key, 32) == 0);
    for (size_t digits = KEYSTORE_PREFIX_MIN; digits <= 64; digits++)
        CHECK(keystore_find(store, &arena, KEYSTORE_OWN, str_sub(buf_str(&hex), 0, digits), &key, &err));
    CHECK(!keystore_find(store, &arena, KEYSTORE_ALL, str_sub(buf_str(&hex), 0, 3), &key, &err) &&
          err.code == ERR_NOT_FOUND);
    CHECK(!keystore_find(store, &arena, KEYSTORE_ALL, STR(""), &key, &err) && err.code == ERR_NOT_FOUND);
    CHECK(keystore_find(store, &arena, KEYSTORE_ALL, STR("ann"), &key, &err) && !key.own);
    CHECK(!keystore_find(store, &arena, KEYSTORE_OWN, STR("ann"), &key, &err) && err.code == ERR_NOT_FOUND);
    CHECK(!keystore_know(store, pair.public_key, &ann, &err) && err.code == ERR_CONFLICT);

    SIGN_SCOPE(third);
    sign_pair_new(&third);
    CHECK(!keystore_add(store, &third, &ann, &err) && err.code == ERR_CONFLICT);
    ann.unique = false;
    CHECK(keystore_add(store, &third, &ann, &err));
    CHECK(!keystore_find(store, &arena, KEYSTORE_ALL, STR("ann"), &key, &err) && err.code == ERR_CONFLICT);
    CHECK(keystore_remove(store, third.public_key, &err) &&
          keystore_find(store, &arena, KEYSTORE_ALL, STR("ann"), &key, &err));
    CHECK(!keystore_remove(store, third.public_key, &err) && err.code == ERR_NOT_FOUND);
    clean();
}

static void a_name_is_text(void)
{
    const struct {
        Str name;
        bool good;
    } rows[] = {
        {STR("ann"), true},
        {STR("Ann's \xc3\xa9tude"), true},
        {STR("a b"), true},
        {STR("0123abcd"), true},
        {STR(""), false},
        {STR(" ann"), false},
        {STR("ann "), false},
        {STR("-ann"), false},
        {STR("a\nb"), false},
        {STR("a\0b"), false},
        {STR("\xff"), false},
        {STR("a\x7f"), false},
        {STR("0123456789abcdef0123456789abcdef0123456789abcdef0123456789ABCDEF"), false},
        {STR("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde"), true},
    };
    char longest[KEY_NAME_MAX + 1];

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        Err err = {0};

        CHECK(key_name_check(rows[i].name, &err) == rows[i].good && (rows[i].good || err.code == ERR_USAGE));
    }
    memset(longest, 'x', sizeof longest);
    Err err = {0};
    CHECK(key_name_check((Str){longest, KEY_NAME_MAX}, &err) &&
          !key_name_check((Str){longest, KEY_NAME_MAX + 1}, &err));
}

/* ---- what is turned or lost ---- */

/* Without waiting for the disk, as thousands of times are too many for that. */
static void put_file(const char *path, Str bytes)
{
    FD_SCOPE(fd);
    Err err = {0};

    fd = os_open(path, O_WRONLY | O_TRUNC, 0);
    CHECK(fd >= 0 && os_write_all(fd, bytes, &err));
}

static void turn(const char *path, size_t at, int by)
{
    BUF_SCOPE(bytes);
    Err err = {0};

    CHECK(os_read_file(path, 1 << 20, &bytes, &err) && at < bytes.len);
    bytes.ptr[at] = (char)(bytes.ptr[at] ^ by);
    put_file(path, buf_str(&bytes));
}

static size_t size_of(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 ? (size_t)st.st_size : 0;
}

/* Each byte of each file: it is never taken for another key, and the turned file is told from a wrong passphrase. */
static void every_byte_that_is_turned_is_found(void)
{
    ARENA_SCOPE(arena);
    SIGN_SCOPE(pair);
    SIGN_SCOPE(node);
    SIGN_SCOPE(other);
    Err err = {0};
    size_t turned = 0;

    begin();
    sign_pair_new(&pair);
    sign_pair_new(&other);
    Keystore *store = open_with_file(&arena);
    CHECK(keystore_add(store, &pair, &(KeystoreNew){.kind = KEY_FEED, .name = STR("name")}, &err));
    CHECK(keystore_node(store, &node, &err));
    const char *const files[] = {path_of(&arena, "root"), path_of(&arena, "unlock"), own_path(&arena, &pair),
                                 own_path(&arena, &node), path_of(&arena, "node")};
    for (size_t i = 0; i < COUNT_OF(files); i++)
        for (size_t at = 0; at < size_of(files[i]); at++, turned++) {
            ARENA_SCOPE(scratch);
            SIGN_SCOPE(found);

            turn(files[i], at, 1 << at % 8);
            store = open_with_file(&scratch);
            bool ok = i < 3 ? has(store, &pair, &err) : keystore_node(store, &found, &err);
            if (ok || (err.code != ERR_CORRUPT && err.code != ERR_LIMIT))
                printf("# %s, byte %zu: %s\n", files[i], at, ok ? "taken" : err.text);
            CHECK(!ok && (err.code == ERR_CORRUPT || err.code == ERR_LIMIT));
            turn(files[i], at, 1 << at % 8);
        }
    CHECK(turned > 500 && opens(NULL, &pair, &err));
    clean();
}

static void what_is_cut_is_found(void)
{
    ARENA_SCOPE(arena);
    SIGN_SCOPE(pair);
    Err err = {0};

    begin();
    sign_pair_new(&pair);
    CHECK(keystore_add(open_with_file(&arena), &pair, &feed_key, &err));
    const char *const files[] = {path_of(&arena, "root"), path_of(&arena, "unlock"), own_path(&arena, &pair)};
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        BUF_SCOPE(bytes);

        CHECK(os_read_file(files[i], 1000, &bytes, &err));
        for (size_t len = 0; len < bytes.len; len++) {
            put_file(files[i], str_sub(buf_str(&bytes), 0, len));
            CHECK(!opens(NULL, &pair, &err) && (err.code == ERR_CORRUPT || err.code == ERR_LIMIT));
        }
        put_file(files[i], buf_str(&bytes));
        CHECK(opens(NULL, &pair, &err));
    }
    clean();
}

/* Whoever can write to the disk and knows the format still cannot put another name, or another key, under the seal. */
static void a_key_whose_check_was_mended_is_found(void)
{
    ARENA_SCOPE(arena);
    SIGN_SCOPE(pair);
    Err err = {0};
    BUF_SCOPE(bytes);

    begin();
    sign_pair_new(&pair);
    CHECK(keystore_add(open_with_file(&arena), &pair, &(KeystoreNew){.kind = KEY_FEED, .name = STR("name")},
                       &err));
    CHECK(os_read_file(own_path(&arena, &pair), 1000, &bytes, &err));
    size_t body = bytes.len - SEAL_CHECK_BYTES;
    for (size_t at = 0; at < body; at++) {
        bytes.len = body;
        bytes.ptr[at] ^= 1;
        seal_put_check(&bytes, 0);
        put_file(own_path(&arena, &pair), buf_str(&bytes));
        CHECK(!opens(NULL, &pair, &err) && (err.code == ERR_CORRUPT || err.code == ERR_LIMIT));
        bytes.ptr[at] ^= 1;
    }
    clean();
}

static void keys_without_their_root_key_are_told_of(void)
{
    ARENA_SCOPE(arena);
    SIGN_SCOPE(pair);
    SIGN_SCOPE(other);
    Err err = {0};

    begin();
    sign_pair_new(&pair);
    sign_pair_new(&other);
    CHECK(keystore_add(open_with_file(&arena), &pair, &feed_key, &err));
    CHECK(unlink(path_of(&arena, "root")) == 0);
    CHECK(!keystore_add(open_with_file(&arena), &other, &feed_key, &err) && err.code == ERR_CORRUPT);
    CHECK(!opens(NULL, &pair, &err) && err.code == ERR_CORRUPT);
    clean();
}

static void a_damaged_key_hides_no_other(void)
{
    ARENA_SCOPE(arena);
    SIGN_SCOPE(pair);
    SIGN_SCOPE(other);
    Err err = {0};
    KeystoreKey *keys;
    size_t count, bad = 0;

    begin();
    sign_pair_new(&pair);
    sign_pair_new(&other);
    CHECK(keystore_add(open_with_file(&arena), &pair, &feed_key, &err));
    CHECK(keystore_add(open_with_file(&arena), &other, &feed_key, &err));
    turn(own_path(&arena, &pair), 50, 1);
    CHECK(keystore_list(open_with_file(&arena), &arena, KEYSTORE_ALL, &keys, &count, &err) && count == 2);
    for (size_t i = 0; i < count; i++)
        if (keys[i].problem) {
            bad++;
            CHECK(keys[i].problem->code == ERR_CORRUPT &&
                  memcmp(keys[i].info.public_key, pair.public_key, 32) == 0);
        }
    CHECK(bad == 1 && opens(NULL, &other, &err));
    clean();
}

/* ---- failures ---- */

static void a_key_that_cannot_be_added_is_not_there(void)
{
    static const char *const passphrases[] = {NULL, "passphrase"};
    int failures = 0;

    for (size_t kind = 0; kind < COUNT_OF(passphrases); kind++)
        FOR_EACH_FAULT(ENOSPC) {
            ARENA_SCOPE(arena);
            SIGN_SCOPE(pair);
            Err err = {0};

            begin();
            sign_pair_new(&pair);
            bool ok = keystore_add(kind ? open_store(&arena, passphrases[kind]) : open_with_file(&arena),
                                   &pair, &feed_key, &err);
            bool failed = fault_fired();
            fault_arm(0, 0);
            CHECK(ok != failed && (ok || err.code == ERR_IO));
            if (ok)
                CHECK(opens(passphrases[kind], &pair, &err));
            else
                CHECK(!opens(passphrases[kind], &pair, &err) && err.code == ERR_NOT_FOUND);
            CHECK(ok || keystore_add(kind ? open_store(&arena, passphrases[kind]) : open_with_file(&arena),
                                     &pair, &feed_key, &err));
            CHECK(opens(passphrases[kind], &pair, &err));
            clean();
            failures += failed;
        }
    CHECK(failures > 20);
}

static void a_change_that_fails_leaves_what_was_or_what_was_asked_for(void)
{
    static const struct {
        const char *from, *to;
    } rows[] = {{"old", "new"}, {"old", NULL}, {NULL, "new"}, {NULL, NULL}};
    int failures = 0;

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        FOR_EACH_FAULT(EIO) {
            ARENA_SCOPE(arena);
            SIGN_SCOPE(pair);
            Err err = {0};
            int nth = fault_n;

            fault_arm(0, 0);
            begin();
            sign_pair_new(&pair);
            Keystore *store = rows[i].from ? open_store(&arena, rows[i].from) : open_with_file(&arena);
            CHECK(keystore_add(store, &pair, &feed_key, &err));
            fault_arm(nth, EIO);
            bool ok = change(store, rows[i].to, &err);
            bool failed = fault_fired();
            fault_arm(0, 0);
            bool was = opens(rows[i].from, &pair, &err), is = opens(rows[i].to, &pair, &err);
            CHECK(ok ? is : was || is);
            CHECK(ok || failed);
            CHECK(change(is ? (rows[i].to ? open_store(&arena, rows[i].to) : open_with_file(&arena))
                            : (rows[i].from ? open_store(&arena, rows[i].from) : open_with_file(&arena)),
                         "later", &err));
            CHECK(opens("later", &pair, &err));
            clean();
            failures += failed;
        }
    CHECK(failures > 20);
}

/* ---- several processes ---- */

enum { PROCESSES = 4 };

/* Runs `work` in several processes at once; how many of them ended well. */
static int run_all(int (*work)(int number))
{
    pid_t children[PROCESSES];
    int well = 0;

    (void)fflush(stdout);
    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        if (children[i] == 0)
            _exit(work(i));
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status;

        (void)waitpid(children[i], &status, 0);
        well += status == 0;
    }
    return well;
}

static int note_node(int number)
{
    ARENA_SCOPE(arena);
    SIGN_SCOPE(pair);
    Err err = {0};

    return !keystore_node(open_with_file(&arena), &pair, &err) ||
           !os_write_file(str_printf(&arena, "%s/%d", top, number).ptr,
                          (Str){(const char *)&pair, sizeof pair}, 0600, &err);
}

static void processes_that_begin_at_once_have_one_root_and_one_node(void)
{
    for (int round = 0; round < 20; round++) {
        ARENA_SCOPE(arena);
        SIGN_SCOPE(pair);
        Err err = {0};
        KeystoreKey *keys;
        size_t count;

        begin();
        CHECK(run_all(note_node) == PROCESSES);
        CHECK(keystore_node(open_with_file(&arena), &pair, &err));
        for (int i = 0; i < PROCESSES; i++) {
            BUF_SCOPE(seen);

            CHECK(os_read_file(str_printf(&arena, "%s/%d", top, i).ptr, 1000, &seen, &err));
            CHECK(str_eq(buf_str(&seen), (Str){(const char *)&pair, sizeof pair}));
        }
        CHECK(keystore_list(open_with_file(&arena), &arena, KEYSTORE_ALL, &keys, &count, &err) && count == 1);
        clean();
    }
    for (int i = 0; i < PROCESSES; i++) {
        ARENA_SCOPE(arena);

        (void)unlink(str_printf(&arena, "%s/%d", top, i).ptr);
    }
}

static int add_named(int number)
{
    ARENA_SCOPE(arena);
    SIGN_SCOPE(pair);
    Err err = {0};
    KeystoreNew what = {.kind = KEY_FEED, .name = STR("the only one"), .unique = true};

    (void)number;
    sign_pair_new(&pair);
    return !keystore_add(open_with_file(&arena), &pair, &what, &err);
}

static void of_processes_that_want_one_name_one_gets_it(void)
{
    for (int round = 0; round < 10; round++) {
        begin();
        CHECK(run_all(add_named) == 1);
        clean();
    }
}

/* Adds keys until it is killed, and tells of each that is there. */
static void add_for_ever(int tell)
{
    ARENA_SCOPE(arena);
    Err err = {0};
    Keystore *store = open_with_file(&arena);

    for (;;) {
        SIGN_SCOPE(pair);

        sign_pair_new(&pair);
        if (!keystore_add(store, &pair, &feed_key, &err))
            _exit(1);
        if (write(tell, &pair, sizeof pair) != sizeof pair)
            _exit(0);
    }
}

static void change_for_ever(int tell)
{
    ARENA_SCOPE(arena);
    Err err = {0};
    Keystore *store = open_store(&arena, "passphrase");

    for (bool file = true;; file = !file)
        if (!change(store, file ? NULL : "passphrase", &err) || write(tell, "x", 1) != 1)
            _exit(1);
}

static pid_t start(void (*work)(int tell), int *from)
{
    int ends[2];

    CHECK(pipe(ends) == 0);
    (void)fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        work(ends[1]);
    (void)close(ends[1]);
    *from = ends[0];
    return child;
}

static void kill_after(pid_t child, Duration some)
{
    time_sleep(some);
    (void)kill(child, SIGKILL);
    (void)waitpid(child, NULL, 0);
}

static void a_killed_process_loses_no_key_that_it_told_of(void)
{
    size_t told = 0;

    begin();
    for (int round = 0; round < 20; round++) {
        int from;
        SIGN_SCOPE(pair);
        Err err = {0};

        pid_t child = start(add_for_ever, &from);
        struct pollfd one = {.fd = from, .events = POLLIN};
        if (round == 0) /* on a busy machine it may tell of none in the others */
            (void)poll(&one, 1, -1);
        kill_after(child, MILLISECONDS(1 + 2 * round));
        for (; read(from, &pair, sizeof pair) == sizeof pair; told++)
            CHECK(opens(NULL, &pair, &err));
        (void)close(from);
    }
    CHECK(told > 0);
    ARENA_SCOPE(arena);
    Err err = {0};
    KeystoreKey *keys;
    size_t count;
    CHECK(keystore_list(open_with_file(&arena), &arena, KEYSTORE_ALL, &keys, &count, &err) && count >= told);
    for (size_t i = 0; i < count; i++)
        CHECK(!keys[i].problem);
    clean();
}

static void a_killed_change_leaves_the_keys_to_one_of_both(void)
{
    SIGN_SCOPE(pair);
    Err err = {0};

    begin();
    sign_pair_new(&pair);
    ARENA_SCOPE(arena);
    CHECK(keystore_add(open_store(&arena, "passphrase"), &pair, &feed_key, &err));
    for (int round = 0; round < 30; round++) {
        int from;

        kill_after(start(change_for_ever, &from), MILLISECONDS(1 + round));
        (void)close(from);
        CHECK(opens("passphrase", &pair, &err)); /* asked only if there is one */
    }
    clean();
}

/* What a process leaves that is killed while it writes the key file. */
static void no_key_stays_beside_the_key_file(void)
{
    ARENA_SCOPE(arena);
    SIGN_SCOPE(pair);
    Err err = {0};
    static const char *const to[] = {NULL, "passphrase"};

    for (size_t i = 0; i < COUNT_OF(to); i++) {
        begin();
        sign_pair_new(&pair);
        CHECK(keystore_add(open_with_file(&arena), &pair, &feed_key, &err));
        CHECK(os_write_file(path_of(&arena, "unlock.new"), STR("a key"), 0644, &err));
        CHECK(change(open_with_file(&arena), to[i], &err) && opens(to[i], &pair, &err));
        CHECK(access(path_of(&arena, "unlock.new"), F_OK) < 0);
        clean();
    }
}

/* ---- killed between two steps ---- */

static void die_at(const char *point, bool (*work)(Keystore *store, Err *err))
{
    Err err = {0};
    int status;

    (void)fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        ARENA_SCOPE(arena);

        (void)setenv("STRATA_FAULT", point, 1);
        _exit(!fault_init(&err) || !work(open_store(&arena, "passphrase"), &err));
    }
    (void)waitpid(child, &status, 0);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static bool to_file(Keystore *store, Err *err)
{
    return change(store, NULL, err);
}

static bool to_passphrase(Keystore *store, Err *err)
{
    return change(store, "passphrase", err);
}

static bool make_node(Keystore *store, Err *err)
{
    SIGN_SCOPE(pair);

    return keystore_node(store, &pair, err);
}

static void a_kill_between_two_steps_locks_nothing_up(void)
{
    static const struct {
        const char *from, *point;
        bool (*work)(Keystore *store, Err *err);
    } rows[] = {
        {"passphrase", "key_unlock_written:kill", to_file},
        {"passphrase", "key_root_written:kill", to_file},
        {NULL, "key_unlock_written:kill", to_file},
        {NULL, "key_root_written:kill", to_file},
        {NULL, "key_root_written:kill", to_passphrase},
        {"passphrase", "key_root_written:kill", to_passphrase},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        ARENA_SCOPE(arena);
        SIGN_SCOPE(pair);
        Err err = {0};

        begin();
        sign_pair_new(&pair);
        CHECK(keystore_add(rows[i].from ? open_store(&arena, rows[i].from) : open_with_file(&arena), &pair,
                           &feed_key, &err));
        die_at(rows[i].point, rows[i].work);
        CHECK(opens("passphrase", &pair, &err)); /* asked only if there is one */
        CHECK(to_file(open_store(&arena, "passphrase"), &err) && opens(NULL, &pair, &err));
        clean();
    }
}

static void a_kill_while_the_nodes_key_is_made_leaves_the_next_to_make_it(void)
{
    ARENA_SCOPE(arena);
    SIGN_SCOPE(pair);
    SIGN_SCOPE(again);
    Err err = {0};

    begin();
    die_at("key_node_added:kill", make_node);
    Keystore *store = open_store(&arena, "passphrase");
    CHECK(keystore_node(store, &pair, &err) && keystore_node(store, &again, &err));
    CHECK(memcmp(&pair, &again, sizeof pair) == 0);
    clean();
}

int main(void)
{
    CHECK(mkdtemp(top) != NULL);
    (void)snprintf(dir, sizeof dir, "%s/keys", top);
    RUN(a_key_comes_back_with_and_without_a_passphrase);
    RUN(a_reading_key_comes_back_by_its_feed);
    RUN(a_reading_key_is_neither_a_pair_nor_public);
    RUN(a_wrong_passphrase_is_denied_and_asked_for_again);
    RUN(a_passphrase_is_changed_and_taken_away_and_given);
    RUN(the_key_file_may_be_elsewhere_and_is_for_its_owner_only);
    RUN(everything_is_for_its_owner_only);
    RUN(no_secret_is_in_clear);
    RUN(the_node_has_one_key);
    RUN(keys_of_version_1_are_read);
    RUN(keys_are_found_by_name_and_by_their_first_digits);
    RUN(a_name_is_text);
    RUN(every_byte_that_is_turned_is_found);
    RUN(what_is_cut_is_found);
    RUN(a_key_whose_check_was_mended_is_found);
    RUN(keys_without_their_root_key_are_told_of);
    RUN(a_damaged_key_hides_no_other);
    RUN(a_key_that_cannot_be_added_is_not_there);
    RUN(a_change_that_fails_leaves_what_was_or_what_was_asked_for);
    RUN(processes_that_begin_at_once_have_one_root_and_one_node);
    RUN(of_processes_that_want_one_name_one_gets_it);
    RUN(a_killed_process_loses_no_key_that_it_told_of);
    RUN(a_killed_change_leaves_the_keys_to_one_of_both);
    RUN(no_key_stays_beside_the_key_file);
    RUN(a_kill_between_two_steps_locks_nothing_up);
    RUN(a_kill_while_the_nodes_key_is_made_leaves_the_next_to_make_it);
    (void)rmdir(top);
    DONE();
}
