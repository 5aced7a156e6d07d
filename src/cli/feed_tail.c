/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "base/os.h"
#include "base/stop.h"
#include "cli/feeds.h"

enum { LOOK_MS = 1000 /* where a file system tells of no change */ };

typedef struct Opts {
    int64_t count;
    int framing;
    bool follow, raw;
    Str passphrase_file;
} Opts;

static const Opt opts[] = {
    {OPT_COUNT, "count", 'n', offsetof(Opts, count), "N", "so many blocks"},
    {OPT_FLAG, "follow", 'f', offsetof(Opts, follow), NULL, "go on with blocks as they are appended"},
    {OPT_ENUM, "framing", 0, offsetof(Opts, framing), "FRAMING", "what stands around a block",
     .values = feeds_framings},
    FEEDS_RAW_OPT(Opts),
    KEYS_OPT(Opts),
    {.type = OPT_END},
};

static bool print_from(const Call *call, Feed *feed, Reading *reading, uint64_t *next, Err *err)
{
    const Opts *o = call->opts;
    BUF_SCOPE(bytes);

    for (; *next < feed_state(feed)->roots.length; ++*next) {
        if (!stop_check(err) || !reading_get(reading, feed, *next, &bytes, err))
            return false;
        feeds_put_block(call, (FeedFraming)o->framing, *next, buf_str(&bytes));
    }
    return out_flush(call->out, err);
}

/* *over: nobody reads any more. */
static bool wait_for(int watch, bool *over, Err *err)
{
    struct pollfd fds[] = {{.fd = watch, .events = POLLIN},
                           {.fd = stop_fd(), .events = POLLIN},
                           {.fd = STDOUT_FILENO, .events = 0}};

    if (poll(fds, COUNT_OF(fds), LOOK_MS) < 0 && errno != EINTR)
        return err_sys(err, ERR_IO, "cannot wait for blocks");
    feed_watch_clear(watch);
    *over = fds[2].revents & (POLLERR | POLLHUP);
    return stop_check(err);
}

/* A line beside the blocks, which are all of one form. */
static bool tell(const Call *call, uint64_t fork, uint64_t length, Err *err)
{
    BUF_SCOPE(text);
    JsonOut json = json_out(&text);

    if (call->quiet)
        return true;
    if (call->json) {
        json_begin(&json, '{');
        json_key(&json, "truncated");
        json_uint(&json, length);
        json_key(&json, "fork");
        json_uint(&json, fork);
        json_end(&json, '}');
        json_line(&json);
    } else
        buf_printf(&text, "the feed was truncated to %llu (fork %llu)\n", (unsigned long long)length,
                   (unsigned long long)fork);
    return out_flush(call->out, err) && os_write_all(STDERR_FILENO, buf_str(&text), err);
}

/* See what another process did. What a truncation left and was printed is not printed again. */
static bool look(const Call *call, Feed *feed, uint64_t *next, bool *changed, Err *err)
{
    FeedState before = *feed_state(feed);
    uint64_t length;

    if (!feed_refresh(feed, changed, err) || !feed_shortest(feed, &before, &length, err))
        return false;
    if (feed_state(feed)->fork == before.fork)
        return true;
    *next = length < *next ? length : *next;
    return tell(call, feed_state(feed)->fork, length, err);
}

/* A block that cannot be had was truncated this moment, or belongs to a copy and comes later. */
static bool print_what_came(const Call *call, Feed *feed, Reading *reading, uint64_t *next, Err *err)
{
    for (bool changed; !print_from(call, feed, reading, next, err);) {
        Err why = *err;

        if ((why.code != ERR_NOT_FOUND && why.code != ERR_CORRUPT) || !look(call, feed, next, &changed, err))
            return false;
        if (!changed && why.code == ERR_NOT_FOUND)
            return out_flush(call->out, err);
        if (!changed) {
            *err = why;
            return false;
        }
    }
    return true;
}

static bool follow(const Call *call, Feed *feed, Reading *reading, uint64_t *next, Err *err)
{
    FD_SCOPE(watch);

    if (!feed_watch(feed, &watch, err))
        return false;
    /* Looked at first: something may have come before it was watched. */
    for (bool over = false, changed; !over;)
        if (!look(call, feed, next, &changed, err) || !print_what_came(call, feed, reading, next, err) ||
            !wait_for(watch, &over, err))
            return false;
    return true;
}

static bool run(const Call *call, Err *err)
{
    const Opts *o = call->opts;
    READING_SCOPE(reading);
    FeedInHand in;

    if (!stop_init(err) || !feeds_take(call, FEED_READ, &in, err) ||
        !feeds_reading(call, o->passphrase_file, o->raw, &in, &reading, err))
        return false;
    uint64_t length = feed_state(in.feed)->roots.length;
    uint64_t next = length > (uint64_t)o->count ? length - (uint64_t)o->count : 0;
    return o->follow ? follow(call, in.feed, &reading, &next, err)
                     : print_from(call, in.feed, &reading, &next, err);
}

const Cmd cmd_feed_tail = {
    .name = "feed tail",
    .args = "KEY",
    .summary = "print the last blocks of a feed, and those that come",
    .description =
        "KEY is a feed's key, the first digits of one (at least 4), or its name. With -f it goes on until Ctrl-C, until nobody reads what "
        "it prints, or until the feed is removed. Where the feed is truncated, a line on standard error says to which length, and it goes "
        "on from there. Blocks of a copy that are not here yet are waited for. Blocks of an encrypted feed are decrypted with the reading key, "
        "if that is among the keys of this node.",
    .opts = opts,
    CMD_OPTS(Opts, .count = 10),
    .examples = "strata feed tail notes\n"
                "strata feed tail -f -n 0 notes\n",
    .run = run,
};
