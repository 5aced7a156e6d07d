/* SPDX-License-Identifier: Apache-2.0 */
#include "feed/meta_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/bytes.h"
#include "base/fault.h"
#include "base/os.h"
#include "crypto/secret.h"

enum {
    VERSION = 1,
    HEAD_BYTES = 32,
    FRAME_HEAD = 16,
    COMPACT_MIN = 64 * 1024, /* bytes; a smaller file is left as it is */
};
static const char magic[8] = {'S', 'T', 'R', 'M', 'E', 'T', 'A', 'L'};
#define FILE_MAX ((off_t)1 << 30)

static void close_meta(void *what)
{
    Meta *meta = what;

    os_close(&meta->fd);
    os_close(&meta->held);
    buf_release(&meta->batch);
    meta_data_release(&meta->data);
}

/* ---- frames ---- */

/* The frame at `at` of the file, of which `bytes` is the rest from there on: its length, or 0 when it is not there whole. */
static size_t see_frame(uint64_t generation, off_t at, Str bytes, Str *body)
{
    if (bytes.len < FRAME_HEAD)
        return 0;
    uint64_t len = FRAME_HEAD + bytes_get(bytes.ptr + 8, 4);
    if (len > bytes.len || len < FRAME_HEAD + META_ENTRY_HEAD ||
        XXH3_64bits_withSeed(bytes.ptr + 8, (size_t)len - 8, generation + (uint64_t)at) !=
            bytes_get(bytes.ptr, 8))
        return 0;
    *body = str_sub(bytes, FRAME_HEAD, (size_t)len);
    return (size_t)len;
}

static bool is_damaged(const Meta *meta, off_t at, Err *err)
{
    (void)err_set(err, ERR_CORRUPT, "'%s' is damaged at byte %lld", meta->path, (long long)at);
    return err_hint(
        err, "feeds themselves are in directories of their own: strata feed adopt keeps what of the file can "
             "be read, and takes in those that it does not name any more");
}

/* A change that was not finished has nothing behind it: where there is something, more was lost than that. */
static bool check_tail(const Meta *meta, uint64_t generation, off_t at, Str tail, Err *err)
{
    Str body;

    for (size_t i = 1; i + FRAME_HEAD < tail.len; i++)
        if (see_frame(generation, at + (off_t)i, str_sub(tail, i, tail.len), &body))
            return is_damaged(meta, at, err);
    return true;
}

/* All frames in `bytes`, which begin at *end of the file. */
static bool apply_frames(const Meta *meta, uint64_t generation, MetaData *data, off_t *end, Str bytes,
                         Err *err)
{
    Str body;

    for (size_t len; (len = see_frame(generation, *end, bytes, &body)) > 0; *end += (off_t)len) {
        if (!meta_data_apply(data, body))
            return is_damaged(meta, *end, err);
        bytes = str_sub(bytes, len, bytes.len);
    }
    return check_tail(meta, generation, *end, bytes, err);
}

/* ---- reading ---- */

/* The rest of the file, into the arena of what it says. */
static bool read_from(const Meta *meta, int fd, off_t from, Arena *arena, Str *out, Err *err)
{
    struct stat st;

    *out = (Str){0};
    if (fstat(fd, &st) < 0)
        return err_sys(err, ERR_IO, "cannot look at '%s'", meta->path);
    if (st.st_size > FILE_MAX)
        return err_set(err, ERR_LIMIT, "'%s' is longer than 1 GiB", meta->path);
    if (st.st_size <= from)
        return true;
    size_t len = (size_t)(st.st_size - from);
    char *bytes = arena_new(arena, char, len);
    out->ptr = bytes;
    return os_pread_all(fd, bytes, len, from, &out->len, err) ||
           err_wrap(err, "cannot read '%s'", meta->path);
}

static void put_head(uint64_t generation, Buf *out)
{
    size_t from = out->len;

    buf_put(out, (Str){magic, sizeof magic});
    bytes_put(out, VERSION, 4);
    bytes_put(out, 0, 4);
    bytes_put(out, generation, 8);
    bytes_put(out, XXH3_64bits(out->ptr + from, out->len - from), 8);
}

static bool read_head(const Meta *meta, Str bytes, uint64_t *generation, Err *err)
{
    BytesIn in = {bytes, false};
    bool ours = str_eq(bytes_take_str(&in, sizeof magic), (Str){magic, sizeof magic});
    uint64_t version = bytes_take(&in, 4);

    (void)bytes_take(&in, 4);
    *generation = bytes_take(&in, 8);
    uint64_t check = bytes_take(&in, 8);
    if (!ours || in.bad)
        return is_damaged(meta, 0, err);
    if (version != VERSION)
        return err_set(err, ERR_LIMIT, "'%s' is of version %llu, which this program does not know",
                       meta->path, (unsigned long long)version);
    return XXH3_64bits(bytes.ptr, HEAD_BYTES - 8) == check || is_damaged(meta, 0, err);
}

static bool read_all(const Meta *meta, int fd, MetaData *data, uint64_t *generation, off_t *end, Err *err)
{
    Str bytes;

    *end = HEAD_BYTES;
    return read_from(meta, fd, 0, &data->arena, &bytes, err) && read_head(meta, bytes, generation, err) &&
           apply_frames(meta, *generation, data, end, str_sub(bytes, HEAD_BYTES, bytes.len), err);
}

/* Another file than the one that is known, or none. */
static bool load(Meta *meta, Err *err)
{
    FD_SCOPE(fd);
    MetaData data = {0};
    uint64_t generation;
    off_t end;

    fd = os_open(meta->path, O_RDWR, 0);
    if (fd < 0 && (errno == EACCES || errno == EROFS))
        fd = os_open(meta->path, O_RDONLY, 0);
    if (fd < 0 && errno == ENOENT) {
        os_close(&meta->fd);
        meta_data_release(&meta->data);
        return true;
    }
    if (fd < 0)
        return err_sys(err, ERR_IO, "cannot open '%s'", meta->path);
    if (!read_all(meta, fd, &data, &generation, &end, err)) {
        meta_data_release(&data);
        return false;
    }
    os_close(&meta->fd);
    meta_data_release(&meta->data);
    meta->fd = fd;
    fd = -1;
    meta->data = data;
    meta->generation = generation;
    meta->end = end;
    return true;
}

/* Whether the file at the path is the one that is open, and has all that was read of it. */
static bool is_same(const Meta *meta)
{
    struct stat open, there;

    return meta->fd >= 0 && fstat(meta->fd, &open) == 0 && stat(meta->path, &there) == 0 &&
           open.st_ino == there.st_ino && open.st_dev == there.st_dev && there.st_size >= meta->end;
}

bool meta_refresh(Meta *meta, Err *err)
{
    Str bytes;

    if (!is_same(meta))
        return load(meta, err);
    return read_from(meta, meta->fd, meta->end, &meta->data.arena, &bytes, err) &&
           apply_frames(meta, meta->generation, &meta->data, &meta->end, bytes, err);
}

bool meta_open(Arena *arena, const char *path, Meta **out, Err *err)
{
    Meta *meta = arena_new(arena, Meta, 1);

    meta->path = str_to_z(arena, str_from_z(path));
    meta->dir = str_to_z(arena, str_dir_name(str_from_z(path)));
    meta->fd = meta->held = -1;
    arena_defer(arena, close_meta, meta);
    if (!load(meta, err))
        return false;
    *out = meta;
    return true;
}

/* ---- writing ---- */

static bool hold(Meta *meta, Err *err)
{
    int done;

    meta->held = os_open(meta->dir, O_RDONLY | O_DIRECTORY, 0);
    if (meta->held < 0)
        return err_sys(err, ERR_IO, "cannot open '%s'", meta->dir);
    do
        done = flock(meta->held, LOCK_EX);
    while (done < 0 && errno == EINTR);
    return done == 0 || err_sys(err, ERR_IO, "cannot lock '%s'", meta->dir);
}

void meta_undo(Meta *meta)
{
    os_close(&meta->held);
    buf_reset(&meta->batch);
    meta->batch_entries = 0;
}

bool meta_begin(Meta *meta, Err *err)
{
    if (os_make_dirs(meta->dir, 0700, err) && hold(meta, err) && meta_refresh(meta, err))
        return true;
    meta_undo(meta);
    return false;
}

static uint64_t new_generation(void)
{
    uint64_t generation;

    secret_random(&generation, sizeof generation);
    return generation;
}

static void put_frame(uint64_t generation, off_t at, Str entries, uint32_t count, Buf *out)
{
    size_t from = out->len;

    bytes_put(out, 0, 8);
    bytes_put(out, entries.len, 4);
    bytes_put(out, count, 4);
    buf_put(out, entries);
    uint64_t check =
        XXH3_64bits_withSeed(out->ptr + from + 8, out->len - from - 8, generation + (uint64_t)at);
    for (int i = 0; i < 8; i++)
        out->ptr[from + (size_t)i] = (char)(check >> (8 * i));
}

static bool make_file(Meta *meta, Err *err)
{
    BUF_SCOPE(head);

    if (meta->fd >= 0)
        return true;
    put_head(new_generation(), &head);
    return os_write_file(meta->path, buf_str(&head), 0600, err) && load(meta, err);
}

/* Cuts off what a change that was not finished left, then adds the frame. */
static bool append(Meta *meta, Str frame, Err *err)
{
    struct stat st;

    if (fstat(meta->fd, &st) < 0 || (st.st_size > meta->end && os_ftruncate(meta->fd, meta->end) < 0))
        return err_sys(err, ERR_IO, "cannot cut '%s'", meta->path);
    if (!os_pwrite_all(meta->fd, frame, meta->end, err) ||
        (os_fdatasync(meta->fd) < 0 && !err_sys(err, ERR_IO, "cannot sync")) ||
        !fault_pass(FAULT_meta_written, err)) {
        (void)ftruncate(meta->fd, meta->end);
        return err_wrap(err, "cannot write to '%s'", meta->path);
    }
    return true;
}

/* A file with nothing dead in it. */
static void put_live(const MetaData *data, Buf *file)
{
    BUF_SCOPE(entries);
    uint64_t generation = new_generation();
    uint32_t count = 0;

    for (int kind = 0; kind < META_KINDS; kind++) {
        Str entry;

        for (size_t at = 0; (entry = meta_data_next(data, (MetaKind)kind, &at)).len; count++)
            meta_entry_put(&entries, 2 * (unsigned)kind + 1, entry);
    }
    put_head(generation, file);
    if (count)
        put_frame(generation, HEAD_BYTES, buf_str(&entries), count, file);
}

/* What it says does not change, so a failure is no harm. */
static void compact(Meta *meta)
{
    BUF_SCOPE(file);
    Err ignored = {0};

    put_live(&meta->data, &file);
    (void)!(os_write_file(meta->path, buf_str(&file), 0600, &ignored) &&
            fault_pass(FAULT_meta_compacted, &ignored) && load(meta, &ignored));
}

static bool write_batch(Meta *meta, Err *err)
{
    BUF_SCOPE(frame);
    Str body;

    if (meta->batch_entries == 0)
        return true;
    if (!make_file(meta, err))
        return false;
    put_frame(meta->generation, meta->end, buf_str(&meta->batch), meta->batch_entries, &frame);
    if (meta->end + (off_t)frame.len > FILE_MAX)
        return err_set(err, ERR_LIMIT, "'%s' would be longer than 1 GiB", meta->path);
    if (!append(meta, buf_str(&frame), err))
        return false;
    size_t len = see_frame(meta->generation, meta->end, str_copy(&meta->data.arena, buf_str(&frame)), &body);
    if (len == 0 || !meta_data_apply(&meta->data, body))
        return err_set(err, ERR_BUG, "a change of '%s' cannot be read", meta->path);
    meta->end += (off_t)len;
    if (meta->end > COMPACT_MIN && meta->data.live < (size_t)meta->end / 2)
        compact(meta);
    return true;
}

bool meta_commit(Meta *meta, Err *err)
{
    bool ok = write_batch(meta, err);

    meta_undo(meta);
    return ok;
}

/* ---- mending ---- */

/*
 * Frames that are whole, wherever they are: the generation in the head may be right though the head is not, and a frame's check tells.
 * A change that cannot be read may have been of what a later one changed again; what was removed in it comes back.
 */
static void save(Str bytes, MetaData *data)
{
    uint64_t generation = bytes.len < HEAD_BYTES ? 0 : bytes_get(bytes.ptr + HEAD_BYTES - 16, 8);

    for (size_t at = HEAD_BYTES; at < bytes.len;) {
        Str body;
        size_t len = see_frame(generation, (off_t)at, str_sub(bytes, at, bytes.len), &body);

        if (len)
            (void)!meta_data_apply(data, body); /* of one that is none, what came before that */
        at += len ? len : 1;
    }
}

/* A name that nothing has. */
static const char *name_aside(Arena *arena, const char *path)
{
    struct statx st;

    for (unsigned n = 1;; n++) {
        const char *name = str_printf(arena, "%s.damaged-%u", path, n).ptr;

        if (os_statx(AT_FDCWD, name, 0, STATX_TYPE, &st) < 0)
            return name;
    }
}

/* The damaged one is kept before there is another. */
static bool replace(const Meta *meta, const char *aside, Err *err)
{
    MetaData data = {0};
    BUF_SCOPE(bytes);
    BUF_SCOPE(file);

    if (!os_read_file(meta->path, (size_t)FILE_MAX, &bytes, err))
        return false;
    save(buf_str(&bytes), &data);
    put_live(&data, &file);
    meta_data_release(&data);
    return os_write_file(aside, buf_str(&bytes), 0600, err) &&
           os_write_file(meta->path, buf_str(&file), 0600, err);
}

bool meta_mend(const char *path, Arena *arena, const char **aside, Err *err)
{
    Meta *meta;
    Err why = {0};

    *aside = NULL;
    if (meta_open(arena, path, &meta, &why))
        return true;
    if (why.code != ERR_CORRUPT) {
        *err = why;
        return false;
    }
    Meta damaged = {
        .path = path, .dir = str_to_z(arena, str_dir_name(str_from_z(path))), .fd = -1, .held = -1};
    bool ok = hold(&damaged, err);
    const char *name = name_aside(arena, path);
    ok = ok && replace(&damaged, name, err);
    close_meta(&damaged);
    if (ok)
        *aside = name;
    return ok || err_wrap(err, "cannot mend '%s'", path);
}
