/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/checksum.h"

#include <fcntl.h>

#include "base/json.h"
#include "base/os.h"
#include "catalog/posix_scan.h"

enum { CHUNK_BYTES = 256 * 1024, TURNS = 3 };

typedef struct ChecksumReader {
    ChecksumPace *pace;
    Hash md5, sha256;
    char chunk[CHUNK_BYTES];
} ChecksumReader;

static void release(void *what)
{
    ChecksumReader *reader = what;

    hash_release(&reader->md5);
    hash_release(&reader->sha256);
}

ChecksumReader *checksum_reader_new(Arena *arena, ChecksumPace *pace)
{
    ChecksumReader *reader = arena_new(arena, ChecksumReader, 1);

    reader->pace = pace;
    arena_defer(arena, release, reader);
    return reader;
}

static bool is_stopped(const ChecksumPace *pace)
{
    return pace->stop && atomic_load_explicit(pace->stop, memory_order_relaxed);
}

/* Wait until these bytes, too, are due. */
static void keep_pace(ChecksumPace *pace, size_t bytes)
{
    uint64_t read = atomic_fetch_add_explicit(&pace->read, bytes, memory_order_relaxed) + bytes;

    if (pace->bytes_per_second == 0)
        return;
    double due = (double)read / (double)pace->bytes_per_second * 1e6;
    for (double left; !is_stopped(pace) && (left = due - (double)(time_monotonic() - pace->started)) > 0;)
        time_sleep(left > 50e3 ? MILLISECONDS(50) : (Duration)left + 1);
}

static bool look(int fd, PosixFacts *out, Err *err)
{
    struct statx st;

    if (os_statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &st) < 0)
        return err_sys(err, ERR_IO, "cannot look at the file");
    posix_from_statx(&st, out);
    return true;
}

static bool read_once(ChecksumReader *reader, int fd, uint64_t *size, Err *err)
{
    hash_begin(&reader->md5, HASH_MD5);
    hash_begin(&reader->sha256, HASH_SHA256);
    for (*size = 0;;) {
        if (is_stopped(reader->pace))
            return err_set(err, ERR_INTERRUPTED, "stopped while reading a file");
        ssize_t n = os_pread(fd, reader->chunk, sizeof reader->chunk, (off_t)*size);
        if (n < 0)
            return err_sys(err, ERR_IO, "cannot read the file");
        if (n == 0)
            return true;
        hash_add(&reader->md5, (Str){reader->chunk, (size_t)n});
        hash_add(&reader->sha256, (Str){reader->chunk, (size_t)n});
        *size += (uint64_t)n;
        keep_pace(reader->pace, (size_t)n);
    }
}

bool checksum_file(ChecksumReader *reader, int fd, ChecksumFacts *out, Err *err)
{
    PosixFacts before = {0}, after = {0};
    uint64_t size;

    for (int turn = 0; turn < TURNS; turn++) {
        ChecksumFacts facts;

        if (!look(fd, &before, err) || !read_once(reader, fd, &size, err) || !look(fd, &after, err))
            return false;
        (void)hash_end(&reader->md5, facts.md5);
        (void)hash_end(&reader->sha256, facts.sha256);
        facts.size = size;
        facts.mtime = before.mtime;
        if (checksum_is_current(&facts, &before) && checksum_is_current(&facts, &after) &&
            posix_time_eq(before.ctime, after.ctime)) {
            *out = facts;
            return true;
        }
    }
    return err_set(err, ERR_CONFLICT, "the file changed while it was read");
}

bool checksum_is_current(const ChecksumFacts *old, const PosixFacts *now)
{
    return old->size == now->size && posix_time_eq(old->mtime, now->mtime);
}

static void put_hash(JsonOut *out, const char *key, const unsigned char *bytes, size_t len)
{
    json_key(out, key);
    buf_put_byte(out->buf, '"');
    buf_put_hex(out->buf, bytes, len);
    buf_put_byte(out->buf, '"');
    out->comma = true;
}

void checksum_put_json(Buf *buf, const ChecksumFacts *facts)
{
    JsonOut out = json_out(buf);

    json_begin(&out, '{');
    put_hash(&out, "md5", facts->md5, sizeof facts->md5);
    put_hash(&out, "sha256", facts->sha256, sizeof facts->sha256);
    json_key(&out, "size");
    json_uint(&out, facts->size);
    json_key(&out, "mtime");
    json_int(&out, facts->mtime.sec);
    if (facts->mtime.nsec) {
        json_key(&out, "mtime_ns");
        json_int(&out, facts->mtime.nsec);
    }
    json_end(&out, '}');
}

/* The two hashes; size and time are read as those of a posix record. */
typedef struct Parsing {
    Scan scan;
    ChecksumFacts facts;
    bool md5, sha256;
} Parsing;

static int hex_value(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool take_hash(Scan *scan, unsigned char *out, size_t len, bool *has)
{
    Str hex;

    if (!scan_string(scan, &hex))
        return false;
    if (hex.len != len * 2)
        return scan_refuse(scan, "a hash of another length");
    for (size_t i = 0; i < len; i++) {
        int high = hex_value(hex.ptr[2 * i]), low = hex_value(hex.ptr[2 * i + 1]);

        if (high < 0 || low < 0)
            return scan_refuse(scan, "a hash that is not lower-case hexadecimal");
        out[i] = (unsigned char)(high * 16 + low);
    }
    *has = true;
    return true;
}

static bool take_member(Parsing *parsing)
{
    Scan *scan = &parsing->scan;
    Str key;

    if (!scan_string(scan, &key) || !scan_take(scan, ':', "a colon was expected"))
        return false;
    if (str_eq_z(key, "md5"))
        return take_hash(scan, parsing->facts.md5, sizeof parsing->facts.md5, &parsing->md5);
    if (str_eq_z(key, "sha256"))
        return take_hash(scan, parsing->facts.sha256, sizeof parsing->facts.sha256, &parsing->sha256);
    return scan_skip(scan, 1);
}

bool checksum_parse(Str json, ChecksumFacts *out, Err *err)
{
    ARENA_SCOPE(scratch);
    Parsing parsing = {.scan = {.json = json, .arena = &scratch, .err = err}};
    PosixFacts posix;

    /* This also makes sure that it is one object and nothing else. */
    if (!posix_parse(&scratch, json, &posix, err))
        return err_wrap(err, "checksum record");
    (void)scan_take(&parsing.scan, '{', "an object was expected");
    while (scan_blanks(&parsing.scan) != '}') {
        if (!take_member(&parsing))
            return err_wrap(err, "checksum record");
        if (scan_blanks(&parsing.scan) == ',')
            parsing.scan.at++;
    }
    if (!parsing.md5 || !parsing.sha256 || (~posix.has & (POSIX_HAS_SIZE | POSIX_HAS_MTIME)))
        return err_set(err, ERR_USAGE, "checksum record: md5, sha256, size or mtime is missing");
    parsing.facts.size = posix.size;
    parsing.facts.mtime = posix.mtime;
    *out = parsing.facts;
    return true;
}
