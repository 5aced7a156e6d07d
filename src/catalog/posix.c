/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/posix.h"

#include <sys/sysmacros.h>

#include "base/json.h"

static const struct {
    mode_t kind;
    const char *name;
    char letter;
} types[POSIX_TYPE_COUNT] = {
    [POSIX_FILE] = {S_IFREG, "file", '-'},      [POSIX_DIRECTORY] = {S_IFDIR, "directory", 'd'},
    [POSIX_LINK] = {S_IFLNK, "link", 'l'},      [POSIX_FIFO] = {S_IFIFO, "fifo", 'p'},
    [POSIX_SOCKET] = {S_IFSOCK, "socket", 's'}, [POSIX_BLOCK] = {S_IFBLK, "block", 'b'},
    [POSIX_CHAR] = {S_IFCHR, "char", 'c'},
};

const char *posix_type_name(PosixType type)
{
    return types[type].name;
}

bool posix_type_from_name(Str name, PosixType *out)
{
    for (size_t i = 0; i < COUNT_OF(types); i++)
        if (str_eq_z(name, types[i].name)) {
            *out = (PosixType)i;
            return true;
        }
    return false;
}

static PosixType type_of(mode_t mode)
{
    for (size_t i = 0; i < COUNT_OF(types); i++)
        if ((mode & S_IFMT) == types[i].kind)
            return (PosixType)i;
    return POSIX_FILE;
}

/* The three bits that show in the place of an x: where, and the letters without and with the x. */
static const struct {
    mode_t bit, execute;
    int at;
    char alone, both;
} specials[] = {
    {S_ISUID, S_IXUSR, 3, 'S', 's'}, {S_ISGID, S_IXGRP, 6, 'S', 's'}, {S_ISVTX, S_IXOTH, 9, 'T', 't'}};

void posix_mode_text(PosixType type, uint16_t mode, char out[POSIX_MODE_TEXT])
{
    static const char rwx[8][4] = {"---", "--x", "-w-", "-wx", "r--", "r-x", "rw-", "rwx"};

    out[0] = types[type].letter;
    memcpy(out + 1, rwx[mode >> 6 & 7], 3);
    memcpy(out + 4, rwx[mode >> 3 & 7], 3);
    memcpy(out + 7, rwx[mode & 7], 3);
    if (mode & (S_ISUID | S_ISGID | S_ISVTX))
        for (size_t i = 0; i < COUNT_OF(specials); i++)
            if (mode & specials[i].bit)
                out[specials[i].at] = mode & specials[i].execute ? specials[i].both : specials[i].alone;
}

bool posix_mode_from_text(Str text, PosixType *out_type, uint16_t *out_mode)
{
    char again[POSIX_MODE_TEXT];
    uint16_t mode = 0;
    size_t type = 0;

    if (text.len != POSIX_MODE_TEXT)
        return false;
    while (type < COUNT_OF(types) && types[type].letter != text.ptr[0])
        type++;
    if (type == COUNT_OF(types))
        return false;
    for (int i = 0; i < 9; i++) {
        char c = text.ptr[i + 1];

        if (c != '-' && c != 'S' && c != 'T')
            mode |= (uint16_t)(0400 >> i);
        if (c == 's' || c == 'S' || c == 't' || c == 'T')
            mode |= (uint16_t)(04000 >> i / 3);
    }
    /* Whatever was taken for a letter that it is not comes out as another text. */
    posix_mode_text((PosixType)type, mode, again);
    if (memcmp(again, text.ptr, sizeof again) != 0)
        return false;
    *out_type = (PosixType)type;
    *out_mode = mode;
    return true;
}

static PosixTime time_of(struct statx_timestamp at)
{
    return (PosixTime){at.tv_sec, (int32_t)at.tv_nsec};
}

bool posix_time_eq(PosixTime a, PosixTime b)
{
    return a.sec == b.sec && a.nsec == b.nsec;
}

void posix_from_statx(const struct statx *st, PosixFacts *out)
{
    *out = (PosixFacts){
        .has = POSIX_HAS_TYPE | POSIX_HAS_SIZE | POSIX_HAS_MODE | POSIX_HAS_INODE | POSIX_HAS_NLINK |
               POSIX_HAS_DEV | POSIX_HAS_UID | POSIX_HAS_GID | POSIX_HAS_ATIME | POSIX_HAS_MTIME |
               POSIX_HAS_CTIME | (st->stx_mask & STATX_BTIME ? (uint32_t)POSIX_HAS_BTIME : 0),
        .type = type_of(st->stx_mode),
        .mode = st->stx_mode & 07777,
        .uid = st->stx_uid,
        .gid = st->stx_gid,
        .nlink = st->stx_nlink,
        .size = st->stx_size,
        .inode = st->stx_ino,
        .dev = makedev(st->stx_dev_major, st->stx_dev_minor),
        .atime = time_of(st->stx_atime),
        .mtime = time_of(st->stx_mtime),
        .ctime = time_of(st->stx_ctime),
        .btime = time_of(st->stx_btime),
    };
}

/*
 * The writer. Everything but the texts has a largest length, so room for all of it is made once and the
 * bytes are put through a pointer.
 */
enum { FIXED_MAX = 768 };

#define PUT(at, literal) (memcpy((at), (literal), sizeof(literal) - 1), (at) + sizeof(literal) - 1)

static const char pairs[] = "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
                            "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
                            "8081828384858687888990919293949596979899";

static char *put_uint(char *at, uint64_t value)
{
    char digits[20];
    size_t from = sizeof digits;

    for (; value >= 100; value /= 100)
        memcpy(digits + (from -= 2), pairs + value % 100 * 2, 2);
    if (value >= 10)
        memcpy(digits + (from -= 2), pairs + value * 2, 2);
    else
        digits[--from] = (char)('0' + value);
    memcpy(at, digits + from, sizeof digits - from);
    return at + (sizeof digits - from);
}

static char *put_int(char *at, int64_t value)
{
    if (value >= 0)
        return put_uint(at, (uint64_t)value);
    *at++ = '-';
    return put_uint(at, 0 - (uint64_t)value);
}

/* Letters, digits and what else a JSON string may hold as it is; true of nearly every name. */
static bool is_plain(Str s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] < 0x20 || (unsigned char)s.ptr[i] >= 0x7f || s.ptr[i] == '"' ||
            s.ptr[i] == '\\')
            return false;
    return true;
}

/* `,"key":` and the text, at `at` in `out`; makes room again when the text is long. */
static char *put_text(Buf *out, char *at, Str key, Str text)
{
    memcpy(at, key.ptr, key.len);
    at += key.len;
    if (text.len <= 64 && is_plain(text)) {
        *at++ = '"';
        if (text.len)
            memcpy(at, text.ptr, text.len);
        at[text.len] = '"';
        return at + text.len + 1;
    }
    out->len = (size_t)(at - out->ptr);
    json_put_quoted(out, text);
    return buf_reserve(out, FIXED_MAX);
}

static char *put_identity(char *at, const PosixFacts *f)
{
    if (f->has & POSIX_HAS_INODE)
        at = put_uint(PUT(at, ",\"inode\":"), f->inode);
    if (f->has & POSIX_HAS_NLINK)
        at = put_uint(PUT(at, ",\"nlink\":"), f->nlink);
    if (f->has & POSIX_HAS_DEV)
        at = put_uint(PUT(at, ",\"dev\":"), f->dev);
    if (f->has & POSIX_HAS_UID)
        at = put_uint(PUT(at, ",\"uid\":"), f->uid);
    if (f->has & POSIX_HAS_GID)
        at = put_uint(PUT(at, ",\"gid\":"), f->gid);
    return at;
}

static char *put_times(char *at, const PosixFacts *f)
{
    if (f->has & POSIX_HAS_ATIME)
        at = put_int(PUT(at, ",\"atime\":"), f->atime.sec);
    if (f->has & POSIX_HAS_MTIME)
        at = put_int(PUT(at, ",\"mtime\":"), f->mtime.sec);
    if (f->has & POSIX_HAS_CTIME)
        at = put_int(PUT(at, ",\"ctime\":"), f->ctime.sec);
    if (f->has & POSIX_HAS_ATIME && f->atime.nsec)
        at = put_int(PUT(at, ",\"atime_ns\":"), f->atime.nsec);
    if (f->has & POSIX_HAS_MTIME && f->mtime.nsec)
        at = put_int(PUT(at, ",\"mtime_ns\":"), f->mtime.nsec);
    if (f->has & POSIX_HAS_CTIME && f->ctime.nsec)
        at = put_int(PUT(at, ",\"ctime_ns\":"), f->ctime.nsec);
    if (f->has & POSIX_HAS_BTIME)
        at = put_int(PUT(at, ",\"btime\":"), f->btime.sec);
    if (f->has & POSIX_HAS_BTIME && f->btime.nsec)
        at = put_int(PUT(at, ",\"btime_ns\":"), f->btime.nsec);
    return at;
}

void posix_put_json(Buf *out, const PosixFacts *f)
{
    char *at = buf_reserve(out, FIXED_MAX);
    size_t name_len = strlen(types[f->type].name);

    at = PUT(at, "{\"type\":\"");
    memcpy(at, types[f->type].name, name_len);
    at += name_len;
    *at++ = '"';
    if (f->has & POSIX_HAS_SIZE)
        at = put_uint(PUT(at, ",\"size\":"), f->size);
    if (f->has & POSIX_HAS_MODE) {
        at = PUT(at, ",\"mode\":\"");
        posix_mode_text(f->type, f->mode, at);
        at = PUT(at + POSIX_MODE_TEXT, "\"");
    }
    at = put_identity(at, f);
    if (f->has & POSIX_HAS_USER)
        at = put_text(out, at, STR(",\"user\":"), f->user);
    if (f->has & POSIX_HAS_GROUP)
        at = put_text(out, at, STR(",\"group\":"), f->group);
    at = put_times(at, f);
    if (f->has & POSIX_HAS_TARGET)
        at = put_text(out, at, STR(",\"target\":"), f->target);
    if (f->has & POSIX_HAS_INTACT)
        at = f->intact ? PUT(at, ",\"intact\":true") : PUT(at, ",\"intact\":false");
    if (f->has & POSIX_HAS_XATTRS) {
        out->len = (size_t)(PUT(at, ",\"xattrs\":") - out->ptr);
        buf_put(out, f->xattrs);
        at = buf_reserve(out, 1);
    }
    *at++ = '}';
    out->len = (size_t)(at - out->ptr);
}

static bool is_text(Str value)
{
    for (size_t i = 0; i < value.len; i++)
        if ((unsigned char)value.ptr[i] < 0x20)
            return false;
    return str_utf8_prefix(value) == value.len && !str_starts(value, STR("0x"));
}

void posix_put_xattr(Buf *out, Str name, Str value)
{
    json_put_quoted(out, name);
    if (is_text(value)) {
        buf_put_byte(out, ':');
        json_put_quoted(out, value);
        return;
    }
    buf_put(out, STR(":\"0x"));
    buf_put_hex(out, value.ptr, value.len);
    buf_put_byte(out, '"');
}
