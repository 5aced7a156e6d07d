/* SPDX-License-Identifier: Apache-2.0 */
/* The metadata of feeds beside a model, which is arrays; whoever opens it, and whatever a failure, a kill or a disk leaves. */
#include "feed/meta.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/os.h"
#include "test/check.h"

enum { KEYS = 40, WRITERS = 4 };

static char top[] = "/tmp/strata-meta-XXXXXX", dir[64], path[80];

static void clean(void)
{
    Err err = {0};

    CHECK(os_remove_tree(dir, &err));
}

/* ---- the model ---- */

/* Of each key a number that all that is said of it follows from; 0: there is none. */
typedef struct Model {
    unsigned feeds[KEYS], subscriptions[KEYS], preferences[KEYS];
} Model;

static void key_of(unsigned number, unsigned char out[FEED_KEY_BYTES])
{
    memset(out, 0, FEED_KEY_BYTES);
    memcpy(out, &number, sizeof number);
}

static MetaFeed feed_of(Arena *arena, unsigned number, unsigned version)
{
    MetaFeed feed = {.flags = version % 8,
                     .created = version,
                     .name = str_printf(arena, "%.*s%u", (int)(version % 50), "feed ", version)};

    key_of(number, feed.key);
    return feed;
}

static MetaSubscription subscription_of(Arena *arena, unsigned number, unsigned version)
{
    MetaSubscription subscription = {
        .party = version % 2, .active = version % 3 == 0, .peers_count = version % 5};
    Str *peers = arena_new(arena, Str, 5);

    for (size_t i = 0; i < subscription.peers_count; i++)
        peers[i] = str_printf(arena, "peer%zu.example:%u", i, version);
    subscription.peers = peers;
    key_of(number, subscription.key);
    return subscription;
}

static Str name_of(Arena *arena, unsigned number)
{
    return str_printf(arena, "preference.%u", number);
}

static Str value_of(Arena *arena, unsigned version)
{
    return str_printf(arena, "%*u", (int)(version % 200), version);
}

static bool same_feed(Meta *meta, unsigned number, unsigned version)
{
    ARENA_SCOPE(arena);
    MetaFeed feed = feed_of(&arena, number, version), by_key = {0}, by_discovery = {0};
    const MetaFeed *found = &by_key;

    feed_discovery_key(feed.key, feed.discovery);
    bool there = meta_feed(meta, feed.key, &by_key);
    if (there != meta_feed_discovered(meta, feed.discovery, &by_discovery) || there != (version > 0))
        return false;
    return !there || (memcmp(by_discovery.key, by_key.key, sizeof by_key.key) == 0 &&
                      memcmp(found->key, feed.key, sizeof feed.key) == 0 && found->flags == feed.flags &&
                      memcmp(found->discovery, feed.discovery, sizeof feed.discovery) == 0 &&
                      found->created == feed.created && str_eq(found->name, feed.name));
}

static bool same_subscription(const Meta *meta, unsigned number, unsigned version)
{
    ARENA_SCOPE(arena);
    MetaSubscription subscription = subscription_of(&arena, number, version), there = {0};
    const MetaSubscription *found = &there;

    if (meta_subscription(meta, &arena, subscription.key, &there) != (version > 0) || version == 0)
        return version == 0 && there.peers_count == 0;
    bool same = found->party == subscription.party && found->active == subscription.active &&
                found->peers_count == subscription.peers_count;
    for (size_t i = 0; same && i < found->peers_count; i++)
        same = str_eq(found->peers[i], subscription.peers[i]);
    return same;
}

/* What is walked over is what is found one by one. */
static bool walks(const Meta *meta, const Model *model)
{
    size_t expected[3] = {0}, found[3] = {0}, at[3] = {0};
    ARENA_SCOPE(arena);
    MetaSubscription subscription;
    MetaFeed feed, again;
    Str name, value;

    for (unsigned i = 0; i < KEYS; i++) {
        expected[0] += model->feeds[i] != 0;
        expected[1] += model->subscriptions[i] != 0;
        expected[2] += model->preferences[i] != 0;
    }
    while (meta_next_feed(meta, &at[0], &feed))
        found[0] += meta_feed(meta, feed.key, &again) && again.created == feed.created;
    while (meta_next_subscription(meta, &arena, &at[1], &subscription))
        found[1]++;
    while (meta_next(meta, &at[2], &name, &value))
        found[2]++;
    return memcmp(expected, found, sizeof found) == 0 && meta_feeds(meta) == expected[0];
}

static bool is_model(Meta *meta, const Model *model)
{
    ARENA_SCOPE(arena);
    bool same = walks(meta, model);

    for (unsigned i = 0; i < KEYS; i++) {
        Str value = {0};

        bool set = meta_get(meta, name_of(&arena, i), &value);
        same = same && same_feed(meta, i, model->feeds[i]) &&
               same_subscription(meta, i, model->subscriptions[i]) && set == (model->preferences[i] != 0) &&
               (!set || str_eq(value, value_of(&arena, model->preferences[i])));
    }
    return same;
}

static bool is_model_for_others(const Model *model)
{
    ARENA_SCOPE(arena);
    Err err = {0};
    Meta *meta;

    if (meta_open(&arena, path, &meta, &err))
        return is_model(meta, model);
    printf("# %s\n", err.text);
    return false;
}

/* ---- changing both ---- */

static unsigned random_state = 1;

static unsigned random_below(unsigned limit)
{
    random_state = random_state * 1103515245u + 12345u;
    return (random_state >> 8) % limit;
}

static bool change_feed(Meta *meta, unsigned number, unsigned version, Err *err)
{
    ARENA_SCOPE(arena);
    MetaFeed feed = feed_of(&arena, number, version);

    return version ? meta_put_feed(meta, &feed, err) : meta_remove_feed(meta, feed.key, err);
}

static bool change_subscription(Meta *meta, unsigned number, unsigned version, Err *err)
{
    ARENA_SCOPE(arena);
    MetaSubscription subscription = subscription_of(&arena, number, version);

    return version ? meta_subscribe(meta, &subscription, err) : meta_unsubscribe(meta, subscription.key, err);
}

static bool change_preference(Meta *meta, unsigned number, unsigned version, Err *err)
{
    ARENA_SCOPE(arena);
    Str name = name_of(&arena, number);

    return version ? meta_set(meta, name, value_of(&arena, version), err) : meta_unset(meta, name, err);
}

/* One change of any kind; a failure leaves the model, and what is not there cannot be removed. */
static bool change_one(Meta *meta, Model *model, unsigned version, Err *err)
{
    unsigned kind = random_below(3), number = random_below(KEYS), to = random_below(4) ? version : 0;
    unsigned *was = kind == 0   ? &model->feeds[number]
                    : kind == 1 ? &model->subscriptions[number]
                                : &model->preferences[number];
    bool ok = kind == 0   ? change_feed(meta, number, to, err)
              : kind == 1 ? change_subscription(meta, number, to, err)
                          : change_preference(meta, number, to, err);

    if (!ok && *was == 0 && to == 0 && err->code == ERR_NOT_FOUND)
        return true;
    if (ok)
        *was = to;
    return ok;
}

/* ---- what it is for ---- */

static void what_is_changed_is_there_whoever_opens_it(void)
{
    ARENA_SCOPE(arena);
    Model model = {0};
    Err err = {0};
    Meta *meta, *other;

    CHECK(meta_open(&arena, path, &meta, &err) && is_model(meta, &model) && access(dir, F_OK) < 0);
    CHECK(meta_open(&arena, path, &other, &err));
    for (unsigned i = 1; i < 300; i++) {
        CHECK(change_one(i % 2 ? meta : other, &model, i, &err));
        CHECK(is_model(i % 2 ? meta : other, &model));
        if (i % 10 == 0)
            CHECK(is_model_for_others(&model) && meta_refresh(meta, &err) && is_model(meta, &model));
    }
    clean();
}

static void many_changes_are_written_anew_when_half_is_dead(void)
{
    ARENA_SCOPE(arena);
    Model model = {0};
    Err err = {0};
    Meta *meta, *reader;
    struct stat st;
    off_t longest = 0, before = 0;
    int compacted = 0;

    CHECK(meta_open(&arena, path, &meta, &err) && meta_open(&arena, path, &reader, &err));
    for (unsigned i = 1; i < 400; i++) {
        CHECK(meta_begin(meta, &err));
        for (unsigned k = 0; k < 40; k++)
            CHECK(change_preference(meta, k, model.preferences[k] = i * 40 + k, &err));
        CHECK(meta_commit(meta, &err) && stat(path, &st) == 0);
        longest = st.st_size > longest ? st.st_size : longest;
        compacted += st.st_size < before;
        before = st.st_size;
        if (i % 7 == 0)
            CHECK(meta_refresh(reader, &err) && is_model(reader, &model));
    }
    CHECK(is_model(meta, &model) && is_model_for_others(&model));
    CHECK(compacted > 5 && longest < 100000);
    clean();
}

static void a_batch_is_seen_when_it_is_committed_and_not_when_it_is_undone(void)
{
    ARENA_SCOPE(arena);
    Model model = {0}, before;
    Err err = {0};
    Meta *meta;

    CHECK(meta_open(&arena, path, &meta, &err) && meta_begin(meta, &err));
    CHECK(change_feed(meta, 1, 5, &err) && change_subscription(meta, 2, 6, &err));
    CHECK(is_model(meta, &model) && is_model_for_others(&model));
    before = model;
    meta_undo(meta);
    CHECK(is_model(meta, &before) && change_feed(meta, 3, 7, &err));
    model.feeds[3] = 7;
    CHECK(meta_begin(meta, &err) && change_feed(meta, 1, 5, &err) && change_feed(meta, 3, 0, &err));
    CHECK(!meta_remove_feed(meta, (const unsigned char[FEED_KEY_BYTES]){9}, &err) &&
          err.code == ERR_NOT_FOUND);
    CHECK(meta_commit(meta, &err));
    model.feeds[1] = 5, model.feeds[3] = 0;
    CHECK(is_model(meta, &model) && is_model_for_others(&model));
    clean();
}

static void what_is_no_text_or_too_much_is_refused(void)
{
    ARENA_SCOPE(arena);
    Err err = {0};
    Meta *meta;
    char *much = arena_new(&arena, char, META_VALUE_MAX + 1);
    Str peers[META_PEERS_MAX + 1] = {{0}};

    memset(much, 'x', META_VALUE_MAX + 1);
    CHECK(meta_open(&arena, path, &meta, &err));
    CHECK(!meta_set(meta, STR(""), STR("x"), &err) && err.code == ERR_USAGE);
    CHECK(!meta_set(meta, (Str){much, META_NAME_MAX + 1}, STR("x"), &err) && err.code == ERR_USAGE);
    CHECK(!meta_set(meta, STR("x"), (Str){much, META_VALUE_MAX + 1}, &err) && err.code == ERR_USAGE);
    CHECK(!meta_set(meta, STR("x"), STR("\xff"), &err) && err.code == ERR_USAGE);
    CHECK(!meta_put_feed(meta, &(MetaFeed){.name = STR("a\0b")}, &err) && err.code == ERR_USAGE);
    peers[0] = (Str){much, META_PEER_MAX + 1};
    CHECK(!meta_subscribe(meta, &(MetaSubscription){.peers = peers, .peers_count = 1}, &err) &&
          err.code == ERR_USAGE);
    peers[0] = (Str){0};
    CHECK(
        !meta_subscribe(meta, &(MetaSubscription){.peers = peers, .peers_count = META_PEERS_MAX + 1}, &err) &&
        err.code == ERR_LIMIT);
    CHECK(meta_set(meta, (Str){much, META_NAME_MAX}, (Str){much, META_VALUE_MAX}, &err));
    CHECK(meta_subscribe(meta, &(MetaSubscription){.peers = peers, .peers_count = META_PEERS_MAX}, &err));
    clean();
}

static void its_files_are_for_the_owner_only(void)
{
    ARENA_SCOPE(arena);
    Err err = {0};
    Meta *meta;
    struct stat st;
    mode_t mask = umask(0);

    CHECK(meta_open(&arena, path, &meta, &err) && meta_set(meta, STR("a"), STR("b"), &err));
    (void)umask(mask);
    CHECK(stat(dir, &st) == 0 && (st.st_mode & 0777) == 0700 && stat(path, &st) == 0 &&
          (st.st_mode & 0777) == 0600);
    clean();
}

/* ---- what a failure leaves ---- */

/* Enough for the file to be written anew by the changes that follow. */
static void fill(Model *model)
{
    ARENA_SCOPE(arena);
    Err err = {0};
    Meta *meta;

    CHECK(meta_open(&arena, path, &meta, &err) && meta_begin(meta, &err));
    for (unsigned i = 0; i < 400; i++)
        CHECK(change_preference(meta, i % KEYS, model->preferences[i % KEYS] = 190 + 200 * (i + 1), &err));
    CHECK(meta_commit(meta, &err));
}

static void every_failed_call_leaves_what_was_or_all_of_the_change(void)
{
    int failures = 0;

    for (int filled = 0; filled < 2; filled++)
        FOR_EACH_FAULT(ENOSPC) {
            ARENA_SCOPE(arena);
            Model model = {0}, before;
            Err err = {0};
            Meta *meta = NULL;
            int nth = fault_n;

            fault_arm(0, 0);
            random_state = 7;
            if (filled)
                fill(&model);
            fault_arm(nth, ENOSPC);
            bool ok = meta_open(&arena, path, &meta, &err);
            for (unsigned i = 1; ok && i < 4; i++) {
                before = model;
                ok = change_one(meta, &model, i, &err);
                if (!ok)
                    model = before;
            }
            bool failed = fault_fired();
            fault_arm(0, 0);
            CHECK((ok || failed) && (ok || err.code == ERR_IO) && is_model_for_others(&model));
            CHECK(!meta || (meta_refresh(meta, &err) && is_model(meta, &model)));
            CHECK(!meta || (change_one(meta, &model, 99, &err) && is_model_for_others(&model)));
            clean();
            failures += failed;
        }
    CHECK(failures > 30);
}

static void put_file(Str bytes)
{
    FD_SCOPE(fd);
    Err err = {0};

    fd = os_open(path, O_WRONLY | O_TRUNC, 0);
    CHECK(fd >= 0 && os_write_all(fd, bytes, &err));
}

enum { FRAMES = 4 };

/* A file of some changes, and where each of them ended. */
static void make_frames(Model models[FRAMES + 1], off_t ends[FRAMES + 1], Buf *bytes)
{
    ARENA_SCOPE(arena);
    Err err = {0};
    Meta *meta;
    struct stat st = {0};

    CHECK(meta_open(&arena, path, &meta, &err));
    ends[0] = 32;
    Model model = {0};
    models[0] = model;
    for (unsigned i = 0; i < FRAMES; i++) {
        model.feeds[i] = i + 1;
        models[i + 1] = model;
        CHECK(change_feed(meta, i, i + 1, &err) && stat(path, &st) == 0);
        ends[i + 1] = st.st_size;
    }
    CHECK(os_read_file(path, 1 << 20, bytes, &err));
}

/* It is cut after any byte: what a crash in the middle of a change leaves. */
static void of_a_file_that_is_cut_the_whole_changes_count(void)
{
    Model models[FRAMES + 1] = {0};
    off_t ends[FRAMES + 1];
    BUF_SCOPE(bytes);

    make_frames(models, ends, &bytes);
    for (size_t len = 32, frame = 0; len < bytes.len; len++) {
        ARENA_SCOPE(arena);
        Err err = {0};
        Meta *meta;

        frame += (off_t)len == ends[frame + 1];
        put_file(str_sub(buf_str(&bytes), 0, len));
        CHECK(is_model_for_others(&models[frame]) && meta_open(&arena, path, &meta, &err));
        if (len % 10 == 0) { /* and the next change takes the place of what was cut */
            Model model = models[frame];

            CHECK(change_subscription(meta, 30, model.subscriptions[30] = 3, &err));
            CHECK(is_model_for_others(&model));
        }
    }
    clean();
}

/* One byte is turned: in the last change it is as if that had not been made; elsewhere nothing is lost silently. */
static void every_byte_that_is_turned_is_found(void)
{
    Model models[FRAMES + 1] = {0};
    off_t ends[FRAMES + 1];
    BUF_SCOPE(bytes);

    make_frames(models, ends, &bytes);
    for (size_t at = 0; at < bytes.len; at++) {
        ARENA_SCOPE(arena);
        Err err = {0};
        Meta *meta;

        bytes.ptr[at] ^= (char)(1 << at % 8);
        put_file(buf_str(&bytes));
        bytes.ptr[at] ^= (char)(1 << at % 8);
        bool last = (off_t)at >= ends[FRAMES - 1];
        bool opened = meta_open(&arena, path, &meta, &err);
        CHECK(opened == last && (opened || err.code == ERR_CORRUPT || err.code == ERR_LIMIT));
        CHECK(!last || is_model_for_others(&models[FRAMES - 1]));
    }
    clean();
}

/* Of a damaged file all is kept but the change that has the damage; where the generation is lost, nothing can be read. */
static void of_a_damaged_file_the_other_changes_are_kept(void)
{
    Model models[FRAMES + 1] = {0};
    off_t ends[FRAMES + 1];
    BUF_SCOPE(bytes);
    int failures = 0;

    make_frames(models, ends, &bytes);
    for (size_t at = 0; at < bytes.len; at++) {
        ARENA_SCOPE(arena);
        BUF_SCOPE(kept);
        Err err = {0};
        const char *aside = NULL;
        bool last = (off_t)at >= ends[FRAMES - 1], generation = at >= 16 && at < 24,
             version = at >= 8 && at < 12;
        Model left = models[last ? FRAMES - 1 : FRAMES];

        for (unsigned i = 0; i < FRAMES; i++)
            if (generation || ((off_t)at >= ends[i] && (off_t)at < ends[i + 1]))
                left.feeds[i] = 0;
        bytes.ptr[at] ^= (char)(1 << at % 8);
        put_file(buf_str(&bytes));
        if (at % 50 == 0) { /* what fails leaves the damaged file, or none that is damaged */
            fault_arm((int)(at / 50) + 1, EIO);
            (void)!meta_mend(path, &arena, &aside, &err);
            failures += fault_fired();
            fault_arm(0, 0);
            if (aside)
                CHECK(unlink(aside) == 0);
        }
        aside = NULL;
        put_file(buf_str(&bytes));
        CHECK(meta_mend(path, &arena, &aside, &err) == !version && (aside != NULL) == (!last && !version));
        if (aside)
            CHECK(os_read_file(aside, 1 << 20, &kept, &err) && str_eq(buf_str(&kept), buf_str(&bytes)) &&
                  unlink(aside) == 0);
        bytes.ptr[at] ^= (char)(1 << at % 8);
        CHECK(version || is_model_for_others(&left));
    }
    CHECK(failures > 2);
    clean();
}

static void what_is_no_such_file_is_refused(void)
{
    ARENA_SCOPE(arena);
    Model model = {0};
    Err err = {0};
    Meta *meta;

    CHECK(meta_open(&arena, path, &meta, &err) && change_feed(meta, 1, model.feeds[1] = 1, &err));
    put_file(STR("something else that is longer than a head of this file"));
    CHECK(!meta_refresh(meta, &err) && err.code == ERR_CORRUPT && is_model(meta, &model));
    CHECK(!change_feed(meta, 2, 1, &err) && err.code == ERR_CORRUPT && is_model(meta, &model));
    clean();
}

/* ---- several processes ---- */

static int write_own(int writer)
{
    ARENA_SCOPE(arena);
    Err err = {0};
    Meta *meta;

    if (!meta_open(&arena, path, &meta, &err))
        return 1;
    for (unsigned i = 1; i <= 50; i++)
        for (unsigned k = (unsigned)writer; k < KEYS; k += WRITERS)
            if (!(i < 50 && k % 2 && i % 5 == 0 ? meta_refresh(meta, &err)
                                                : change_preference(meta, k, 190 + 200 * i, &err)))
                return 2;
    return 0;
}

static void writers_at_once_lose_nothing_of_each_other(void)
{
    pid_t children[WRITERS];
    Model model = {0};

    (void)fflush(stdout);
    for (int i = 0; i < WRITERS; i++) {
        children[i] = fork();
        if (children[i] == 0)
            _exit(write_own(i));
    }
    for (int i = 0; i < WRITERS; i++) {
        int status;

        (void)waitpid(children[i], &status, 0);
        CHECK(status == 0);
    }
    for (unsigned k = 0; k < KEYS; k++)
        model.preferences[k] = 190 + 200 * 50;
    CHECK(is_model_for_others(&model));
    clean();
}

/* Changes until it is killed, and tells of each change that is made. */
static void change_for_ever(int tell, unsigned from)
{
    ARENA_SCOPE(arena);
    Err err = {0};
    Meta *meta;

    if (!meta_open(&arena, path, &meta, &err))
        _exit(1);
    for (unsigned i = from;; i++) {
        if (!change_preference(meta, i % KEYS, 190 + 200 * i, &err))
            _exit(2);
        if (write(tell, &i, sizeof i) != sizeof i)
            _exit(0);
    }
}

static void a_killed_writer_loses_nothing_that_it_told_of(void)
{
    unsigned told = 0, next = 1;

    for (int round = 0; round < 20; round++) {
        ARENA_SCOPE(arena);
        Err err = {0};
        Meta *meta;
        int ends[2];
        Str value;

        CHECK(pipe(ends) == 0);
        (void)fflush(stdout);
        pid_t child = fork();
        if (child == 0)
            change_for_ever(ends[1], next);
        (void)close(ends[1]);
        time_sleep(MILLISECONDS(2 + 3 * round));
        (void)kill(child, SIGKILL);
        (void)waitpid(child, NULL, 0);
        for (unsigned i; read(ends[0], &i, sizeof i) == sizeof i;)
            told = i;
        (void)close(ends[0]);
        CHECK(meta_open(&arena, path, &meta, &err));
        /* The one change that it may have made and not told of is that of the preference that is left out. */
        for (unsigned i = told >= KEYS ? told - KEYS + 2 : 1; i <= told; i++)
            CHECK(meta_get(meta, name_of(&arena, i % KEYS), &value) &&
                  str_eq(value, value_of(&arena, 190 + 200 * i)));
        next = told + 1;
    }
    CHECK(told > 0);
    clean();
}

/* ---- killed between two steps ---- */

static void change_and_die_at(const char *point)
{
    ARENA_SCOPE(arena);
    Err err = {0};
    Meta *meta;

    (void)setenv("STRATA_FAULT", point, 1);
    if (fault_init(&err) && meta_open(&arena, path, &meta, &err))
        for (unsigned i = 0; change_preference(meta, i % 2, 190 + 200 * (i + 1), &err); i++)
            continue;
    _exit(1);
}

static void a_writer_killed_between_two_steps_leaves_the_change_whole(void)
{
    static const char *const points[] = {"meta_written:3:kill", "meta_compacted:2:kill"};

    for (size_t i = 0; i < COUNT_OF(points); i++) {
        ARENA_SCOPE(arena);
        Err err = {0};
        Meta *meta;
        Str first = {0}, second = {0};
        int status;

        (void)fflush(stdout);
        pid_t child = fork();
        if (child == 0)
            change_and_die_at(points[i]);
        (void)waitpid(child, &status, 0);
        CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        CHECK(meta_open(&arena, path, &meta, &err) && meta_get(meta, name_of(&arena, 0), &first) &&
              meta_get(meta, name_of(&arena, 1), &second));
        if (i == 0)
            CHECK(str_eq(first, value_of(&arena, 190 + 200 * 3)) &&
                  str_eq(second, value_of(&arena, 190 + 200 * 2)));
        CHECK(change_preference(meta, 5, 1, &err));
        clean();
    }
}

int main(void)
{
    CHECK(mkdtemp(top) != NULL);
    (void)snprintf(dir, sizeof dir, "%s/feeds", top);
    (void)snprintf(path, sizeof path, "%s/meta", dir);
    RUN(what_is_changed_is_there_whoever_opens_it);
    RUN(many_changes_are_written_anew_when_half_is_dead);
    RUN(a_batch_is_seen_when_it_is_committed_and_not_when_it_is_undone);
    RUN(what_is_no_text_or_too_much_is_refused);
    RUN(its_files_are_for_the_owner_only);
    RUN(every_failed_call_leaves_what_was_or_all_of_the_change);
    RUN(of_a_file_that_is_cut_the_whole_changes_count);
    RUN(every_byte_that_is_turned_is_found);
    RUN(of_a_damaged_file_the_other_changes_are_kept);
    RUN(what_is_no_such_file_is_refused);
    RUN(writers_at_once_lose_nothing_of_each_other);
    RUN(a_killed_writer_loses_nothing_that_it_told_of);
    RUN(a_writer_killed_between_two_steps_leaves_the_change_whole);
    (void)rmdir(top);
    DONE();
}
