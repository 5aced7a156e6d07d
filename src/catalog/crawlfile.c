/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/crawlfile.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/lock.h"
#include "base/os.h"
#include "catalog/crawlfile_pack.h"

typedef struct CrawlFile {
    pthread_mutex_t mutex; /* for fd and empty */
    char *path, *beside;   /* beside is NULL where the file is written as it comes */
    CrawlPack pack;
    int fd;
    bool empty;
} CrawlFile;

static void give_up(void *what)
{
    CrawlFile *file = what;

    if (file->fd >= 0 && file->beside)
        (void)unlink(file->beside);
    os_close(&file->fd);
    (void)pthread_mutex_destroy(&file->mutex);
}

bool crawlfile_is_standard_output(const char *path)
{
    return strcmp(path, "-") == 0 || strcmp(path, "/dev/stdout") == 0;
}

static bool is_as_it_comes(const char *path)
{
    struct stat st;

    return crawlfile_is_standard_output(path) || (stat(path, &st) == 0 && !S_ISREG(st.st_mode));
}

/*
 * The file that a symbolic link names: that one is to be made anew, not the link. What is not there yet keeps its name.
 */
static char *real_path(Arena *arena, const char *path)
{
    char *real = realpath(path, NULL);
    char *kept = str_to_z(arena, str_from_z(real ? real : path));

    free(real);
    return kept;
}

bool crawlfile_open(Arena *arena, const char *path, CrawlFile **out, Err *err)
{
    CrawlFile *file = arena_new(arena, CrawlFile, 1);

    file->path = crawlfile_is_standard_output(path) ? str_to_z(arena, STR("-")) : real_path(arena, path);
    if (!is_as_it_comes(file->path))
        file->beside = str_to_z(arena, str_printf(arena, "%s.%ld.tmp", file->path, (long)getpid()));
    file->pack = crawlfile_pack_of(str_from_z(path));
    file->empty = true;
    if (crawlfile_is_standard_output(path))
        file->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
    else if (file->beside)
        file->fd = os_open(file->beside, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    else
        file->fd = os_open(path, O_WRONLY, 0);
    if (file->fd < 0)
        return err_sys(err, ERR_IO, "cannot create '%s'", path);
    (void)pthread_mutex_init(&file->mutex, NULL);
    arena_defer(arena, give_up, file);
    *out = file;
    return true;
}

static bool write_piece(CrawlFile *file, Str piece, Err *err)
{
    BUF_SCOPE(packed);

    if (!crawlfile_pack(file->pack, piece, &packed, err))
        return err_wrap(err, "cannot write '%s'", file->path);

    LOCK_SCOPE(held, &file->mutex);
    file->empty = false;
    if (!os_write_all(file->fd, file->pack == CRAWLFILE_PLAIN ? piece : buf_str(&packed), err))
        return err_wrap(err, "cannot write '%s'", file->path);
    return true;
}

bool crawlfile_add(CrawlFile *file, Str lines, Err *err)
{
    enum { PIECE_MAX = 64 * 1024 * 1024 }; /* bounds what compressing needs */

    for (size_t at = 0; at < lines.len; at += PIECE_MAX)
        if (!write_piece(file, str_sub(lines, at, at + PIECE_MAX), err))
            return false;
    return true;
}

bool crawlfile_close(CrawlFile *file, Err *err)
{
    ARENA_SCOPE(scratch);

    /* No bytes at all would not be a compressed file. */
    if (file->empty && file->pack != CRAWLFILE_PLAIN && !write_piece(file, STR(""), err))
        return false;
    if (!file->beside) {
        os_close(&file->fd);
        return true;
    }
    if (os_fsync(file->fd) < 0)
        return err_sys(err, ERR_IO, "cannot sync '%s'", file->beside);
    if (os_rename(file->beside, file->path) < 0)
        return err_sys(err, ERR_IO, "cannot rename '%s' to '%s'", file->beside, file->path);
    os_close(&file->fd);
    return os_sync_dir(str_to_z(&scratch, str_dir_name(str_from_z(file->path))), err);
}

static void put_path(Buf *out, Str dir, Str name)
{
    char *at = buf_reserve(out, dir.len + name.len + 1);

    memcpy(at, dir.ptr, dir.len);
    at += dir.len;
    if (name.len) {
        if (dir.len > 1)
            *at++ = '/';
        memcpy(at, name.ptr, name.len);
        at += name.len;
    }
    out->len = (size_t)(at - out->ptr);
}

void crawlfile_put_posix(Buf *out, Str dir, Str name, const PosixFacts *facts)
{
    put_path(out, dir, name);
    buf_put(out, STR("\tposix\t"));
    posix_put_json(out, facts);
    buf_put_byte(out, '\n');
}

void crawlfile_put_record(Buf *out, Str path, Str type, Str json)
{
    buf_put(out, path);
    buf_put_byte(out, '\t');
    buf_put(out, type);
    buf_put_byte(out, '\t');

    size_t from = out->len;
    buf_put(out, json);
    /* Inside strings these bytes are escaped, so here they stand between parts. */
    for (size_t i = from; i < out->len; i++)
        if (out->ptr[i] == '\n' || out->ptr[i] == '\r' || out->ptr[i] == '\t')
            out->ptr[i] = ' ';
    buf_put_byte(out, '\n');
}

void crawlfile_put_deleted(Buf *out, Str path)
{
    buf_put(out, path);
    buf_put(out, STR("\t-deleted\t{}\n"));
}

void crawlfile_put_renamed(Buf *out, Str from, Str path)
{
    buf_put(out, path);
    buf_put(out, STR("\t-renamed\t{\"from\":"));
    json_put_quoted(out, from);
    buf_put(out, STR("}\n"));
}
