/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/feed_input.h"

#include <errno.h>
#include <poll.h>

#include "base/bytes.h"
#include "base/os.h"
#include "base/stop.h"

enum { PIECE = 256 * 1024, LENGTH_BYTES = 4 };

typedef struct Span {
    size_t at, len;
} Span;

void feed_input_release(FeedInput *input)
{
    buf_release(&input->bytes);
    buf_release(&input->spans);
}

uint64_t feed_input_before(const FeedInput *input)
{
    return input->base;
}

/* ---- reading ---- */

/* Waits for more, or for somebody who wants an end. With `now`, *ready is whether there is something without waiting. */
static bool wait_for(const FeedInput *input, bool now, bool *ready, Err *err)
{
    struct pollfd fds[] = {{.fd = input->fd, .events = POLLIN}, {.fd = stop_fd(), .events = POLLIN}};

    for (;;) {
        int n = poll(fds, COUNT_OF(fds), now ? 0 : -1);

        if (n < 0 && errno != EINTR)
            return err_sys(err, ERR_IO, "cannot wait for input");
        if (!stop_check(err))
            return false;
        if (n > 0 || (n == 0 && now)) {
            *ready = fds[0].revents != 0;
            return true;
        }
    }
}

static bool read_more(FeedInput *input, Err *err)
{
    bool ready;

    if (!wait_for(input, false, &ready, err))
        return false;
    ssize_t n = os_read(input->fd, buf_reserve(&input->bytes, PIECE), PIECE);
    if (n < 0)
        return err_sys(err, ERR_IO, "cannot read the input");
    input->bytes.len += (size_t)n;
    input->ended = n == 0;
    return true;
}

/* ---- cutting ---- */

static bool too_long(const FeedInput *input, Err *err)
{
    uint64_t number = input->blocks + input->spans.len / sizeof(Span);

    return err_set(err, ERR_LIMIT, "block %llu of the input, at byte %llu, is longer than %d bytes",
                   (unsigned long long)number, (unsigned long long)(input->base + input->used),
                   FEED_BLOCK_MAX);
}

/* Of the batch there is room for a block of that length. */
static bool fits(const FeedInput *input, size_t len)
{
    return input->spans.len == 0 || (input->batch_bytes + len <= FEED_INPUT_BYTES &&
                                     input->spans.len / sizeof(Span) < FEED_INPUT_BLOCKS);
}

static void take(FeedInput *input, size_t before, size_t len, size_t behind)
{
    Span span = {input->used + before, len};

    buf_put(&input->spans, (Str){(const char *)&span, sizeof span});
    input->batch_bytes += len;
    input->used += before + len + behind;
    input->looked = input->used;
}

typedef enum Cut { CUT_TAKEN, CUT_FULL, CUT_MORE, CUT_WRONG } Cut;

static Cut cut_line(FeedInput *input, Err *err)
{
    const char *begin = input->bytes.ptr + input->used;
    size_t there = input->bytes.len - input->used;
    const char *newline =
        there ? memchr(input->bytes.ptr + input->looked, '\n', input->bytes.len - input->looked) : NULL;
    size_t len = newline ? (size_t)(newline - begin) : there;

    if (len > FEED_BLOCK_MAX)
        return too_long(input, err) ? CUT_MORE : CUT_WRONG;
    if (!newline && (!input->ended || there == 0)) {
        input->looked = input->bytes.len;
        return CUT_MORE;
    }
    if (!fits(input, len))
        return CUT_FULL;
    take(input, 0, len, newline ? 1 : 0);
    return CUT_TAKEN;
}

static Cut cut_u32(FeedInput *input, Err *err)
{
    size_t there = input->bytes.len - input->used;
    size_t len = there < LENGTH_BYTES ? 0 : (size_t)bytes_get(input->bytes.ptr + input->used, LENGTH_BYTES);

    if (len > FEED_BLOCK_MAX)
        return too_long(input, err) ? CUT_MORE : CUT_WRONG;
    if (there >= LENGTH_BYTES + len) {
        if (!fits(input, len))
            return CUT_FULL;
        take(input, LENGTH_BYTES, len, 0);
        return CUT_TAKEN;
    }
    if (!input->ended || there == 0)
        return CUT_MORE;
    (void)err_set(err, ERR_USAGE,
                  "the input ends at byte %llu, in the middle of the block that begins at byte %llu",
                  (unsigned long long)(input->base + input->bytes.len),
                  (unsigned long long)(input->base + input->used));
    return CUT_WRONG;
}

static Cut cut_whole(FeedInput *input, Err *err)
{
    if (input->bytes.len > FEED_BLOCK_MAX)
        return too_long(input, err) ? CUT_MORE : CUT_WRONG;
    if (!input->ended || input->whole_given)
        return CUT_MORE;
    input->whole_given = true;
    take(input, 0, input->bytes.len, 0);
    return CUT_TAKEN;
}

static Cut cut(FeedInput *input, Err *err)
{
    switch (input->framing) {
    case FRAMING_LINES:
        return cut_line(input, err);
    case FRAMING_U32:
        return cut_u32(input, err);
    default:
        return cut_whole(input, err);
    }
}

/* ---- batches ---- */

static void forget_batch(FeedInput *input)
{
    input->blocks += input->spans.len / sizeof(Span);
    input->base += input->used;
    buf_consume(&input->bytes, input->used);
    input->looked -= input->used;
    input->used = 0;
    input->batch_bytes = 0;
    buf_reset(&input->spans);
}

static bool gather(FeedInput *input, Err *err)
{
    for (;;) {
        Cut found = cut(input, err);
        bool ready = true;

        if (found == CUT_WRONG || found == CUT_FULL)
            return found == CUT_FULL;
        if (found == CUT_TAKEN)
            continue;
        if (input->ended)
            return true;
        if (input->live && input->spans.len > 0 && !wait_for(input, true, &ready, err))
            return false;
        if (!ready)
            return true;
        if (!read_more(input, err))
            return false;
    }
}

bool feed_input_batch(FeedInput *input, Arena *arena, Str **blocks, size_t *count, Err *err)
{
    forget_batch(input);
    if (!gather(input, err))
        return false;
    const Span *spans = (const Span *)(const void *)input->spans.ptr;
    *count = input->spans.len / sizeof *spans;
    *blocks = arena_new(arena, Str, *count + 1);
    for (size_t i = 0; i < *count; i++)
        (*blocks)[i] = (Str){input->bytes.ptr + spans[i].at, spans[i].len};
    return true;
}
