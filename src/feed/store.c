/* SPDX-License-Identifier: Apache-2.0 */
#include "feed/store.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

#include "base/fault.h"
#include "base/os.h"
#include "crypto/secret.h"
#include "feed/store_inside.h"

/* A feed that is open, in an arena of its own. */
struct StoreSlot {
    Feed *feed; /* NULL: the slot is free */
    Arena arena;
    unsigned char key[FEED_KEY_BYTES];
    FeedMode mode;
    size_t users;
    uint64_t used;   /* by the clock */
    bool not_copied; /* what is open does not become a copy */
};
typedef struct StoreSlot Slot;

static void close_slot(Slot *slot)
{
    if (slot->feed)
        feed_close(slot->feed);
    slot->feed = NULL;
    arena_free(&slot->arena);
}

static void close_all(void *what)
{
    FeedStore *store = what;

    for (size_t i = 0; i < store->slots_count; i++)
        close_slot(store->slots[i]);
}

size_t store_room(bool raise)
{
    enum { EACH = 6 };
    struct rlimit limit, more;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return STORE_OPEN_MAX;
    more = (struct rlimit){.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
    if (raise && setrlimit(RLIMIT_NOFILE, &more) == 0)
        limit = more;
    size_t room = limit.rlim_cur == RLIM_INFINITY ? SIZE_MAX : (size_t)(limit.rlim_cur / EACH);
    return room > STORE_OPEN_MAX ? room : STORE_OPEN_MAX;
}

FeedStore *store_open(Arena *arena, const char *dir, const StoreOptions *options)
{
    FeedStore *store = arena_new(arena, FeedStore, 1);
    size_t most = options && options->open_max ? options->open_max : STORE_OPEN_MAX;

    *store = (FeedStore){.arena = arena, .dir = str_to_z(arena, str_from_z(dir)), .open_max = most};
    arena_defer(arena, close_all, store);
    return store;
}

const char *store_path(const FeedStore *store, Arena *arena, const unsigned char key[FEED_KEY_BYTES])
{
    unsigned char discovery[FEED_KEY_BYTES];
    BUF_SCOPE(hex);

    feed_discovery_key(key, discovery);
    buf_put_hex(&hex, discovery, sizeof discovery);
    return str_printf(arena, "%s/%.2s/%.*s", store->dir, hex.ptr, STR_ARG(buf_str(&hex))).ptr;
}

/* ---- making and removing ---- */

static bool make_in(FeedStore *store, StorePlace *place, const FeedIdentity *identity, Str name,
                    unsigned flags, Err *err)
{
    ARENA_SCOPE(scratch);
    MetaFeed about = {.name = name, .created = time_now(), .flags = flags};
    Feed *feed;

    memcpy(about.key, identity->key, FEED_KEY_BYTES);
    if (!feed_create(&scratch, place->path, identity, NULL, &feed, err))
        return false;
    bool ok = feed_sync(feed, err);
    feed_close(feed);
    return ok && (!(flags & META_OWN) || store_note_origin(place->path, err)) &&
           store_place_take(store, place, &about, err);
}

Str store_reading_name(Arena *arena, Str feed_name)
{
    Str name = str_printf(arena, "%.*s.reading", STR_ARG(feed_name));

    return feed_name.len && name.len <= KEY_NAME_MAX ? name : (Str){0};
}

static bool add_reading(Keystore *keys, const unsigned char key[FEED_KEY_BYTES], Str name, Err *err)
{
    ARENA_SCOPE(scratch);
    unsigned char reading[KEY_SECRET_BYTES];
    KeystoreNew what = {.name = store_reading_name(&scratch, name)};

    secret_random(reading, sizeof reading);
    bool ok = keystore_add_reading(keys, key, reading, &what, err);
    secret_wipe(reading, sizeof reading);
    return ok;
}

static bool add_keys(Keystore *keys, const SignPair *pair, const FeedIdentity *identity, const StoreNew *what,
                     Err *err)
{
    Err ignored = {0};

    if (!keystore_add(keys, pair, &(KeystoreNew){.kind = KEY_FEED, .name = what->name}, err))
        return false;
    if (!what->encrypted || add_reading(keys, identity->key, what->name, err))
        return true;
    (void)!keystore_remove(keys, pair->public_key, &ignored);
    return false;
}

/* The feed comes last: a key without a feed can be taken back, a feed without its key has no use. */
static bool make_with_key(FeedStore *store, Keystore *keys, StorePlace *place, const StoreNew *what,
                          FeedIdentity *identity, Err *err)
{
    unsigned flags = META_OWN | (what->encrypted ? META_ENCRYPTED : 0);
    SIGN_SCOPE(pair);
    Err ignored = {0};

    sign_pair_new(&pair);
    if (what->compat)
        feed_identity_compat(pair.public_key, identity);
    else
        feed_identity_new(pair.public_key, identity);
    if (!store_place_note_key(place, identity, err) || !add_keys(keys, &pair, identity, what, err))
        return false;
    if (fault_pass(FAULT_feed_key_added, err) && make_in(store, place, identity, what->name, flags, err))
        return true;
    (void)!store_forget_keys(keys, identity->key, pair.public_key, &ignored);
    return err_wrap(err, "cannot create a feed");
}

bool store_create(FeedStore *store, Keystore *keys, const StoreNew *what, unsigned char key[FEED_KEY_BYTES],
                  Err *err)
{
    ARENA_SCOPE(scratch);
    PLACE_SCOPE(place);
    FeedIdentity identity;

    if (!store_name_check(what->name, err) || !store_name_free(store, what->name, err) ||
        !store_place_begin(store, keys, &scratch, &place, err) ||
        !make_with_key(store, keys, &place, what, &identity, err))
        return false;
    memcpy(key, identity.key, FEED_KEY_BYTES);
    return true;
}

bool store_add(FeedStore *store, const unsigned char key[FEED_KEY_BYTES], Str name, Err *err)
{
    ARENA_SCOPE(scratch);
    PLACE_SCOPE(place);
    FeedIdentity identity;

    feed_identity_of_key(key, &identity);
    return store_name_check(name, err) && ((store_place_begin(store, NULL, &scratch, &place, err) &&
                                            make_in(store, &place, &identity, name, 0, err)) ||
                                           err_wrap(err, "cannot add a feed"));
}

/* Nobody writes while it goes, which whoever writes would not see. */
bool store_remove(FeedStore *store, const unsigned char key[FEED_KEY_BYTES], Err *err)
{
    ARENA_SCOPE(scratch);
    const char *path = store_path(store, &scratch, key);
    Feed *feed;

    for (size_t i = 0; i < store->slots_count; i++)
        if (store->slots[i]->feed && memcmp(store->slots[i]->key, key, FEED_KEY_BYTES) == 0) {
            if (store->slots[i]->users)
                return err_set(err, ERR_BUSY, "the feed is in use");
            close_slot(store->slots[i]);
        }
    if (!feed_open(&scratch, path, FEED_WRITE, NULL, &feed, err)) {
        /* One that is damaged can still be removed. */
        return err->code == ERR_CORRUPT || err->code == ERR_LIMIT ? store_place_remove(store, key, err)
                                                                  : false;
    }
    bool ok = store_place_remove(store, key, err);
    feed_close(feed);
    return ok;
}

/* ---- open feeds ---- */

static Slot *find_slot(FeedStore *store, const unsigned char key[FEED_KEY_BYTES], FeedMode mode)
{
    for (size_t i = 0; i < store->slots_count; i++) {
        Slot *slot = store->slots[i];

        if (slot->feed && memcmp(slot->key, key, FEED_KEY_BYTES) == 0 &&
            (slot->mode == mode || slot->mode == FEED_WRITE))
            return slot;
    }
    return NULL;
}

static Slot *new_slot(FeedStore *store)
{
    if (store->slots_count == store->slots_room) {
        size_t room = store->slots_room ? 2 * store->slots_room : 16;
        Slot **slots = arena_new(store->arena, Slot *, room);

        if (store->slots_count > 0)
            memcpy(slots, store->slots,
                   store->slots_count * sizeof *slots); /* NOLINT(bugprone-sizeof-expression) */
        store->slots = slots;
        store->slots_room = room;
    }
    return store->slots[store->slots_count++] = arena_new(store->arena, Slot, 1);
}

/* A free slot, a new one, or that of the feed that was used longest ago. */
static Slot *free_slot(FeedStore *store)
{
    Slot *best = NULL;

    for (size_t i = 0; i < store->slots_count; i++) {
        Slot *slot = store->slots[i];

        if (!slot->feed)
            return slot;
        if (slot->users == 0 && (!best || slot->used < best->used))
            best = slot;
    }
    if (store->slots_count < store->open_max)
        return new_slot(store);
    if (best)
        close_slot(best);
    return best;
}

static bool open_in(FeedStore *store, Slot *slot, const unsigned char key[FEED_KEY_BYTES], FeedMode mode,
                    Err *err)
{
    const char *path = store_path(store, &slot->arena, key);

    if (!feed_open(&slot->arena, path, mode, NULL, &slot->feed, err)) {
        slot->feed = NULL;
        arena_free(&slot->arena);
        return err->code == ERR_NOT_FOUND ? store_no_such(key, err) : false;
    }
    memcpy(slot->key, key, FEED_KEY_BYTES);
    slot->mode = mode;
    slot->users = 0;
    slot->not_copied = false;
    return true;
}

/* What was open and idle may be behind, or be removed since. */
static bool is_fresh(Slot *slot)
{
    bool changed;
    Err ignored = {0};

    return slot->users > 0 || slot->mode == FEED_WRITE || feed_refresh(slot->feed, &changed, &ignored);
}

bool store_feed(FeedStore *store, const unsigned char key[FEED_KEY_BYTES], FeedMode mode, Feed **out,
                Err *err)
{
    Slot *slot = find_slot(store, key, mode);

    if (slot && !is_fresh(slot)) {
        close_slot(slot);
        slot = NULL;
    }
    if (!slot) {
        slot = free_slot(store);
        if (!slot)
            return err_set(err, ERR_LIMIT, "all of %zu feeds that may be open are in use", store->open_max);
        if (!open_in(store, slot, key, mode, err))
            return false;
    }
    slot->users++;
    slot->used = ++store->clock;
    *out = slot->feed;
    return true;
}

void store_release(FeedStore *store, Feed *feed)
{
    for (size_t i = 0; i < store->slots_count; i++) {
        Slot *slot = store->slots[i];

        if (slot->feed == feed && --slot->users == 0 &&
            (slot->mode == FEED_WRITE || store_open_count(store) > STORE_OPEN_MAX))
            close_slot(slot);
    }
}

size_t store_open_count(const FeedStore *store)
{
    size_t count = 0;

    for (size_t i = 0; i < store->slots_count; i++)
        count += store->slots[i]->feed != NULL;
    return count;
}

/* ---- restored feeds ---- */

static const char *mark_of(Arena *arena, const char *path)
{
    return str_printf(arena, "%s/unconfirmed", path).ptr;
}

bool store_mark(const char *path, Err *err)
{
    ARENA_SCOPE(scratch);

    return os_write_file(mark_of(&scratch, path), (Str){0}, 0600, err);
}

bool store_is_unconfirmed(FeedStore *store, const unsigned char key[FEED_KEY_BYTES], bool *out, Err *err)
{
    ARENA_SCOPE(scratch);
    const char *path = store_path(store, &scratch, key);
    Slot *slot = find_slot(store, key, FEED_WRITE);

    if (!store_is_there(path))
        return store_no_such(key, err);
    *out = store_is_there(mark_of(&scratch, path));
    if (*out || (slot && slot->not_copied))
        return true;
    if (!store_is_copied(path, out, err))
        return false;
    if (slot)
        slot->not_copied = !*out;
    return true;
}

bool store_doubt(FeedStore *store, const unsigned char key[FEED_KEY_BYTES], Err *err)
{
    ARENA_SCOPE(scratch);
    const char *path = store_path(store, &scratch, key);

    return store_is_there(path) ? store_mark(path, err) : store_no_such(key, err);
}

bool store_confirm(FeedStore *store, const unsigned char key[FEED_KEY_BYTES], Err *err)
{
    ARENA_SCOPE(scratch);
    const char *path = store_path(store, &scratch, key), *mark = mark_of(&scratch, path);

    if (!store_is_there(path))
        return store_no_such(key, err);
    if (!store_note_origin(path, err))
        return false;
    if (os_unlink(mark) < 0)
        return errno == ENOENT || err_sys(err, ERR_IO, "cannot remove '%s'", mark);
    return os_sync_dir(path, err);
}
