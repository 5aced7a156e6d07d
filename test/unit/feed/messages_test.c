/* SPDX-License-Identifier: Apache-2.0 */
/* What unmodified npm peers said to each other (test/fixture/hypercore/messages.json): read, written, proven and taken alike. */
#include "base/os.h"
#include "feed/alpha.h"
#include "test/unit/feed/vectors.h"

enum { SPARSE_LENGTH = 70, BLOCKS_MAX = 80, FORKS = 2, REQUESTS_MAX = 256 };

static char dir[] = "/tmp/strata-messages-XXXXXX";

/* ---- the fixture ---- */

static struct json_object *traces(void)
{
    ARENA_SCOPE(arena);
    static struct json_object *all;

    if (!all)
        all = json_object_from_file(
            str_printf(&arena, "%s/test/fixture/hypercore/messages.json", getenv("SRC")).ptr);
    return json_object_object_get(all, "traces");
}

static const char *text_of(struct json_object *trace, const char *name)
{
    return json_object_get_string(json_object_object_get(trace, name));
}

static int64_t number_of(struct json_object *trace, const char *name)
{
    return json_object_get_int64(json_object_object_get(trace, name));
}

static Str unhex(Arena *arena, const char *hex)
{
    size_t len = strlen(hex) / 2;
    char *bytes = arena_new(arena, char, len + 1);

    for (size_t i = 0; i < len; i++) {
        char pair[3] = {hex[2 * i], hex[2 * i + 1], 0};

        bytes[i] = (char)strtoul(pair, NULL, 16);
    }
    return (Str){bytes, len};
}

typedef struct Message {
    bool from_reader;
    int type; /* -1: control */
    Str bytes;
} Message;

static size_t message_count(struct json_object *trace)
{
    return json_object_array_length(json_object_object_get(trace, "messages"));
}

static Message message_at(struct json_object *trace, size_t i, Arena *arena)
{
    struct json_object *row = json_object_array_get_idx(json_object_object_get(trace, "messages"), i);
    struct json_object *type = json_object_array_get_idx(row, 1);

    return (Message){.from_reader =
                         strcmp(json_object_get_string(json_object_array_get_idx(row, 0)), "I>R") == 0,
                     .type = json_object_is_type(type, json_type_int) ? json_object_get_int(type) : -1,
                     .bytes = unhex(arena, json_object_get_string(json_object_array_get_idx(row, 2)))};
}

static bool is_sparse(struct json_object *trace)
{
    return strstr(text_of(trace, "name"), "sparse") != NULL;
}

/* ---- each message, read and written again ---- */

static bool comes_back(const Message *message, Buf *out)
{
    ARENA_SCOPE(arena);
    Err err = {0};
    union {
        AlphaSync sync;
        AlphaRequest request;
        AlphaData data;
        AlphaNoData no_data;
        AlphaRange range;
        AlphaBitfield bitfield;
    } as;

#define AGAIN(name, field) \
    (alpha_get_##name(message->bytes, &as.field, &err) && (alpha_put_##name(out, &as.field), true))
    switch ((AlphaType)message->type) {
    case ALPHA_SYNC:
        return AGAIN(sync, sync);
    case ALPHA_REQUEST:
        return AGAIN(request, request);
    case ALPHA_NO_DATA:
        return AGAIN(no_data, no_data);
    case ALPHA_WANT:
    case ALPHA_UNWANT:
        return AGAIN(want, range);
    case ALPHA_BITFIELD:
        return AGAIN(bitfield, bitfield);
    case ALPHA_RANGE:
        return AGAIN(range, range);
    case ALPHA_DATA:
        return alpha_get_data(message->bytes, &arena, &as.data, &err) &&
               (alpha_put_data(out, &as.data), true);
    case ALPHA_CANCEL:
    case ALPHA_EXTENSION:
        break;
    }
#undef AGAIN
    return false;
}

/* npm 11 writes one flag of its own behind some of ours: sync and want may be longer there. */
static void every_message_is_read_and_written_as_npm_does(void)
{
    size_t seen[ALPHA_EXTENSION + 1] = {0};

    for (size_t t = 0; t < json_object_array_length(traces()); t++) {
        struct json_object *trace = json_object_array_get_idx(traces(), t);

        for (size_t i = 0; i < message_count(trace); i++) {
            ARENA_SCOPE(arena);
            BUF_SCOPE(out);
            Message message = message_at(trace, i, &arena);

            if (message.type < 0)
                continue;
            seen[message.type]++;
            CHECK(comes_back(&message, &out));
            CHECK(str_starts(message.bytes, buf_str(&out)));
            CHECK(message.type == ALPHA_WANT || message.type == ALPHA_NO_DATA ||
                  message.bytes.len == out.len);
        }
    }
    CHECK(seen[ALPHA_SYNC] && seen[ALPHA_REQUEST] && seen[ALPHA_DATA] && seen[ALPHA_WANT] &&
          seen[ALPHA_BITFIELD] && seen[ALPHA_RANGE]);
}

/* What is cut off is none, and nothing is read behind it (ASan). */
static void no_message_is_read_beyond_its_end(void)
{
    for (size_t t = 0; t < json_object_array_length(traces()); t++) {
        struct json_object *trace = json_object_array_get_idx(traces(), t);

        for (size_t i = 0; i < message_count(trace); i++) {
            ARENA_SCOPE(arena);
            Message whole = message_at(trace, i, &arena);

            for (size_t len = 0; whole.type >= 0 && len < whole.bytes.len; len++) {
                BUF_SCOPE(out);
                char *cut = malloc(len + 1);
                Message message = whole;

                memcpy(cut, whole.bytes.ptr, len);
                message.bytes = (Str){cut, len};
                (void)comes_back(&message, &out);
                free(cut);
            }
        }
    }
}

/* ---- the reader, with what npm sent ---- */

static bool has_tree(const Feed *feed, struct json_object *trace)
{
    BUF_SCOPE(hex);
    unsigned char hash[TREE_HASH_BYTES];

    tree_hash(feed_state(feed)->roots.at, feed_state(feed)->roots.count, hash);
    buf_put_hex(&hex, hash, sizeof hash);
    return str_eq_z(buf_str(&hex), text_of(trace, "tree"));
}

static Feed *open_copy(Arena *arena, struct json_object *trace, const char *path)
{
    FeedIdentity identity;
    Err err = {0};
    Feed *feed = NULL;

    feed_identity_of_key((const unsigned char *)unhex(arena, text_of(trace, "key")).ptr, &identity);
    CHECK(feed_create(arena, path, &identity, NULL, &feed, &err));
    return feed;
}

static void what_npm_sends_is_taken_and_is_the_same_feed(void)
{
    for (size_t t = 0; t < json_object_array_length(traces()); t++) {
        ARENA_SCOPE(arena);
        struct json_object *trace = json_object_array_get_idx(traces(), t);
        const char *path = str_printf(&arena, "%s/copy%zu", dir, t).ptr;
        Feed *feed = open_copy(&arena, trace, path);
        uint64_t blocks = 0, first_bad;
        Err err = {0};

        for (size_t i = 0; i < message_count(trace); i++) {
            Message message = message_at(trace, i, &arena);
            FeedTaken taken = {0};
            AlphaData data;

            if (message.type != ALPHA_DATA)
                continue;
            CHECK(alpha_get_data(message.bytes, &arena, &data, &err) &&
                  feed_take(feed, &data.proof, &taken, &err) &&
                  feed_keep(feed, i % 2 ? FEED_BUFFERED : FEED_DURABLE, &err));
            blocks += taken.block;
        }
        CHECK(feed_state(feed)->roots.length == (uint64_t)number_of(trace, "length"));
        CHECK(feed_state(feed)->fork == (uint64_t)number_of(trace, "fork"));
        CHECK(has_tree(feed, trace) && (blocks > 5) && feed_state(feed)->held <= blocks);
        CHECK(feed_verify(feed, NULL, &first_bad, &err));
        feed_close(feed);
        CHECK(feed_open(&arena, path, FEED_READ, NULL, &feed, &err) && has_tree(feed, trace));
        feed_close(feed);
    }
}

/* ---- the writer, asked what npm asked ---- */

static Str values[FORKS][BLOCKS_MAX];

static void collect_values(struct json_object *trace, Arena *arena)
{
    Err err = {0};

    memset(values, 0, sizeof values);
    values[0][6] = STR("b0"); /* of a batch of three, of which only the last one was asked for */
    values[0][7] = STR("b1");
    for (size_t i = 0; i < SPARSE_LENGTH && is_sparse(trace); i++)
        values[0][i] = str_printf(arena, "block-%zu-%.*s", i, (int)(i % 7), "xxxxxxx");
    for (size_t i = 0; i < message_count(trace); i++) {
        Message message = message_at(trace, i, arena);
        AlphaData data;

        if (message.type == ALPHA_DATA && alpha_get_data(message.bytes, arena, &data, &err) &&
            data.proof.part == FEED_PART_BLOCK && data.proof.index < BLOCKS_MAX)
            values[data.proof.fork][data.proof.index] = data.proof.value;
    }
}

static Feed *create_writer(Arena *arena, struct json_object *trace, const char *path, SignPair *pair)
{
    unsigned char seed[SIGN_SEED_BYTES];
    FeedIdentity identity;
    Err err = {0};
    Feed *feed = NULL;

    memset(seed, 1, sizeof seed);
    sign_pair_from_seed(seed, pair);
    (json_object_get_boolean(json_object_object_get(trace, "compat"))
         ? feed_identity_compat
         : feed_identity_new)(pair->public_key, &identity);
    CHECK(feed_create(arena, path, &identity, NULL, &feed, &err));
    return feed;
}

/* The writer has by then what the answer is about. */
static void catch_up(Feed *feed, const SignPair *pair, const AlphaData *answer)
{
    uint64_t to = answer->proof.upgrade ? answer->proof.start + answer->proof.length : 0;
    Err err = {0};

    if (answer->proof.fork > feed_state(feed)->fork)
        CHECK(feed_truncate(feed, pair, to, FEED_BUFFERED, &err));
    while (feed_state(feed)->roots.length < to) {
        Str value = values[answer->proof.fork][feed_state(feed)->roots.length];

        CHECK(feed_append(feed, pair, &value, 1, FEED_BUFFERED, &err));
    }
}

static void what_npm_asks_is_answered_as_npm_does(void)
{
    size_t answers = 0;

    for (size_t t = 0; t < json_object_array_length(traces()); t++) {
        ARENA_SCOPE(arena);
        struct json_object *trace = json_object_array_get_idx(traces(), t);
        AlphaRequest requests[REQUESTS_MAX] = {0};
        SignPair pair;
        Feed *feed = create_writer(&arena, trace, str_printf(&arena, "%s/writer%zu", dir, t).ptr, &pair);
        Err err = {0};

        collect_values(trace, &arena);
        for (size_t i = 0; i < message_count(trace); i++) {
            Message message = message_at(trace, i, &arena);
            AlphaRequest request;
            AlphaData data, ours;
            BUF_SCOPE(out);

            if (message.type == ALPHA_REQUEST && alpha_get_request(message.bytes, &request, &err))
                requests[request.id % REQUESTS_MAX] = request;
            if (message.type != ALPHA_DATA || !alpha_get_data(message.bytes, &arena, &data, &err))
                continue;
            catch_up(feed, &pair, &data);
            ours.id = data.id;
            CHECK(feed_prove(feed, &arena, &requests[data.id % REQUESTS_MAX].what, &ours.proof, &err));
            alpha_put_data(&out, &ours);
            CHECK(str_eq(buf_str(&out), message.bytes));
            answers++;
        }
        feed_close(feed);
    }
    CHECK(answers == 99);
}

/* What a peer shows when it opens the channel: flags, and that it knows the key. */
static void each_side_shows_that_it_knows_the_key(void)
{
    for (size_t t = 0; t < json_object_array_length(traces()); t++) {
        ARENA_SCOPE(arena);
        struct json_object *trace = json_object_array_get_idx(traces(), t);
        Str key = unhex(&arena, text_of(trace, "key")), hash = unhex(&arena, text_of(trace, "handshake"));
        size_t opens = 0;

        for (size_t i = 0; i < message_count(trace); i++) {
            unsigned char ours[ALPHA_CAPABILITY_BYTES], theirs[ALPHA_CAPABILITY_BYTES];
            Message message = message_at(trace, i, &arena);
            BUF_SCOPE(open);
            Err err = {0};

            if (message.type >= 0 || message.bytes.ptr[0] != 1)
                continue;
            alpha_capability((const unsigned char *)key.ptr, (const unsigned char *)hash.ptr,
                             message.from_reader, ours);
            alpha_put_open(&open, ours);
            CHECK(str_ends(message.bytes, buf_str(&open)));
            CHECK(alpha_get_open(buf_str(&open), theirs, &err) && memcmp(ours, theirs, sizeof ours) == 0);
            opens++;
        }
        CHECK(opens == 2);
    }
}

int main(void)
{
    Err err = {0};

    if (!mkdtemp(dir))
        return 1;
    RUN(every_message_is_read_and_written_as_npm_does);
    RUN(no_message_is_read_beyond_its_end);
    RUN(what_npm_sends_is_taken_and_is_the_same_feed);
    RUN(what_npm_asks_is_answered_as_npm_does);
    RUN(each_side_shows_that_it_knows_the_key);
    CHECK(os_remove_tree(dir, &err));
    DONE();
}
