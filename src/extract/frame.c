/* SPDX-License-Identifier: Apache-2.0 */
#include "extract/frame.h"

#include "base/os.h"

/* Reads exactly `len` bytes; at the very end of the stream only *ended is set. */
static bool read_whole(int fd, char *to, size_t len, bool *ended, Err *err)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = os_read(fd, to + done, len - done);

        if (n < 0)
            return err_sys(err, ERR_IO, "cannot read a request");
        if (n == 0 && done == 0 && ended) {
            *ended = true;
            return true;
        }
        if (n == 0)
            return err_set(err, ERR_IO, "the stream ends inside a frame");
        done += (size_t)n;
    }
    return true;
}

bool frame_read(int fd, size_t max, char *kind, Buf *payload, Err *err)
{
    unsigned char head[4];
    bool ended = false;
    size_t len;

    if (!read_whole(fd, (char *)head, sizeof head, &ended, err))
        return false;
    if (ended) {
        *err = (Err){0};
        return false;
    }
    len = head[0] | (size_t)head[1] << 8 | (size_t)head[2] << 16 | (size_t)head[3] << 24;
    if (len == 0 || len > max)
        return err_set(err, ERR_LIMIT, "a frame of %zu bytes is not within 1 and %zu", len, max);
    if (!read_whole(fd, kind, 1, NULL, err) ||
        !read_whole(fd, buf_reserve(payload, len - 1), len - 1, NULL, err))
        return false;
    payload->len += len - 1;
    return true;
}

bool frame_write(int fd, char kind, Str payload, Err *err)
{
    BUF_SCOPE(out);
    size_t len = payload.len + 1;

    for (int i = 0; i < 4; i++)
        buf_put_byte(&out, (char)(len >> (8 * i)));
    buf_put_byte(&out, kind);
    buf_put(&out, payload);
    return os_write_all(fd, buf_str(&out), err);
}
