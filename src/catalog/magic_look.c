/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/magic_look.h"

#include <magic.h>

#include "base/json.h"
#include "base/os.h"

typedef struct MagicReader {
    magic_t libmagic; /* NULL: the table alone */
    char head[MAGIC_HEAD_BYTES];
} MagicReader;

static void close_libmagic(void *cookie)
{
    magic_close(cookie);
}

/*
 * What our table answers, and what would run or unpack something, is left out. Its messages go to the Err:
 * libmagic keeps them in the cookie.
 */
bool magic_reader_new(Arena *arena, bool with_libmagic, MagicReader **out, Err *err)
{
    MagicReader *reader = arena_new(arena, MagicReader, 1);

    if (with_libmagic) {
        magic_t cookie =
            magic_open(MAGIC_MIME | MAGIC_NO_CHECK_COMPRESS | MAGIC_NO_CHECK_TAR | MAGIC_NO_CHECK_ELF);

        if (!cookie)
            return err_sys(err, ERR_CONFIG, "cannot start libmagic");
        arena_defer(arena, close_libmagic, cookie);
        if (magic_load(cookie, NULL) != 0) {
            (void)err_set(err, ERR_CONFIG, "cannot load libmagic's database: %s", magic_error(cookie));
            return err_hint(err, "the package libmagic-mgc holds it");
        }
        reader->libmagic = cookie;
    }
    *out = reader;
    return true;
}

/* As much as there is, from `at` on. -1 and errno. */
static ssize_t read_at(int fd, char *room, size_t size, off_t at)
{
    size_t used = 0;

    while (used < size) {
        ssize_t n = os_pread(fd, room + used, size - used, at + (off_t)used);

        if (n < 0)
            return -1;
        if (n == 0)
            break;
        used += (size_t)n;
    }
    return (ssize_t)used;
}

static bool ask_libmagic(MagicReader *reader, Str head, MagicFacts *out, Err *err)
{
    Str parts, charset;

    if (!reader->libmagic)
        return err_set(err, ERR_NOT_FOUND, "no signature fits");
    const char *answer = magic_buffer(reader->libmagic, head.ptr, head.len);
    if (!answer)
        return err_set(err, ERR_IO, "libmagic: %s", magic_error(reader->libmagic));
    parts = str_cut(str_from_z(answer), ';', &out->mime);
    charset = str_trim(parts);
    if (str_starts(charset, STR("charset=")))
        out->encoding = str_sub(charset, strlen("charset="), charset.len);
    return true;
}

static void take_signature(int fd, MagicFacts *out)
{
    enum { DIRECTORY_BYTES = 4096 };
    MagicSignature *signature = &out->signature;
    char piece[DIRECTORY_BYTES];

    /* A file that cannot be read there stays a TIFF. */
    if (signature->directory_at && signature->directory_at <= INT64_MAX) {
        ssize_t n = read_at(fd, piece, sizeof piece, (off_t)signature->directory_at);

        if (n > 0)
            magic_signature_look_at_directory((Str){piece, (size_t)n}, signature);
    }
    out->by_signature = true;
    out->format = str_from_z(signature->format);
    out->mime = str_from_z(signature->mime);
    out->detail = str_from_z(signature->detail);
}

bool magic_look(MagicReader *reader, int fd, MagicFacts *out, Err *err)
{
    ssize_t n = read_at(fd, reader->head, sizeof reader->head, 0);
    Str head = {reader->head, n > 0 ? (size_t)n : 0};

    if (n < 0)
        return err_sys(err, ERR_IO, "cannot read the start of the file");
    *out = (MagicFacts){0};
    if (n == 0) {
        out->by_signature = true;
        out->mime = STR("inode/x-empty");
        out->format = STR("empty");
        return true;
    }
    if (!magic_signature_match(head, &out->signature))
        return ask_libmagic(reader, head, out, err);
    take_signature(fd, out);
    return true;
}

void magic_put_json(Buf *buf, const MagicFacts *facts)
{
    JsonOut out = json_out(buf);

    json_begin(&out, '{');
    json_key(&out, "mime");
    json_str(&out, facts->mime);
    if (facts->format.len) {
        json_key(&out, "format");
        json_str(&out, facts->format);
    }
    if (facts->detail.len) {
        json_key(&out, "detail");
        json_str(&out, facts->detail);
    }
    json_key(&out, "source");
    json_z(&out, facts->by_signature ? "signature" : "libmagic");
    if (facts->encoding.len) {
        json_key(&out, "encoding");
        json_str(&out, facts->encoding);
    }
    json_end(&out, '}');
}
