/* SPDX-License-Identifier: Apache-2.0 */
#include "feed/head.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <xxhash.h>

#include "base/bytes.h"
#include "base/os.h"

enum {
    VERSION = 1,
    SLOTS = 4,
    SYNCED_SLOTS = 2, /* the first ones */
    SLOT_BYTES = 4096,
    BITS_AT = FEED_HEAD_BITS,
    BOOT_BYTES = 16,
    SIGNATURE_ROOM = 72,
    FLAG_COMPAT = 1,
    FLAG_ANONYMOUS = 2,
    BITS_PIECE = 4096, /* bytes of bits read and changed at once */
    PIECE_BLOCKS = 8 * BITS_PIECE,
};
static const char magic[8] = {'S', 'T', 'R', 'F', 'E', 'E', 'D', 'H'};

/* A change of bits that is not written yet. */
typedef struct Mark {
    uint64_t first, count;
    bool held;
} Mark;

struct FeedHeadFile {
    const char *path;
    int fd;
    unsigned char boot[BOOT_BYTES];
    bool of_now; /* the slot that counts is of that kernel */
    uint64_t sequence;
    Buf marks; /* of Mark, in order */

    /* the bits that were asked for last, with the marks put in */
    Buf piece;
    uint64_t piece_first; /* block */
    size_t piece_marks;   /* how many are put in, */
    uint64_t piece_last;  /* and so many blocks of the last of these */
};

/* ---- the kernel that runs ---- */

static int hex_of(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Zeros where it cannot be read: then what is not synced counts for nothing. */
static void read_boot(unsigned char out[BOOT_BYTES])
{
    BUF_SCOPE(text);
    Err ignored = {0};
    int digits = 0;

    memset(out, 0, BOOT_BYTES);
    if (!os_read_file("/proc/sys/kernel/random/boot_id", 100, &text, &ignored))
        return;
    for (size_t i = 0; i < text.len && digits < 2 * BOOT_BYTES; i++) {
        int value = hex_of(text.ptr[i]);

        if (value >= 0)
            out[digits / 2] |= (unsigned char)(value << (digits % 2 ? 0 : 4)), digits++;
    }
}

FeedHeadFile *feed_head_new(Arena *arena, const char *dir)
{
    FeedHeadFile *head = arena_new(arena, FeedHeadFile, 1);

    head->path = str_printf(arena, "%s/head", dir).ptr;
    head->fd = -1;
    read_boot(head->boot);
    return head;
}

void feed_head_close(FeedHeadFile *head)
{
    os_close(&head->fd);
    buf_release(&head->marks);
    buf_release(&head->piece);
}

/* ---- slots ---- */

#define PUT(buf, array) buf_put((buf), (Str){(const char *)(array), sizeof(array)})

static void put_slot(const FeedHeadFile *head, const FeedState *state, Buf *out)
{
    PUT(out, magic);
    bytes_put(out, VERSION, 4);
    bytes_put(out,
              (state->identity.compat ? FLAG_COMPAT : 0) | (state->identity.anonymous ? FLAG_ANONYMOUS : 0),
              4);
    bytes_put(out, head->sequence, 8);
    PUT(out, head->boot);
    PUT(out, state->identity.key);
    PUT(out, state->identity.signer);
    PUT(out, state->identity.space);
    bytes_put(out, state->applied, 8);
    bytes_put(out, state->chain, 8);
    bytes_put(out, state->fork, 8);
    bytes_put(out, state->roots.length, 8);
    bytes_put(out, state->roots.bytes, 8);
    bytes_put(out, state->held, 8);
    bytes_put(out, state->signature_len, 4);
    PUT(out, state->signature);
    for (size_t i = sizeof state->signature; i < SIGNATURE_ROOM; i++)
        buf_put_byte(out, 0);
    bytes_put(out, state->roots.count, 4);
    for (size_t i = 0; i < state->roots.count; i++) {
        bytes_put(out, state->roots.at[i].index, 8);
        bytes_put(out, state->roots.at[i].size, 8);
        PUT(out, state->roots.at[i].hash);
    }
}

/* A reader that never goes beyond the slot: its check was right, so what it says fits. */
typedef struct In {
    const char *at;
} In;

static uint64_t take(In *in, int bytes)
{
    uint64_t number = bytes_get(in->at, bytes);

    in->at += bytes;
    return number;
}

static void take_bytes(In *in, void *out, size_t len)
{
    memcpy(out, in->at, len);
    in->at += len;
}

typedef struct Slot {
    uint64_t sequence;
    unsigned char boot[BOOT_BYTES];
    uint64_t version;
    FeedState state;
} Slot;

static void take_roots(In *in, TreeRoots *out)
{
    size_t count = (size_t)take(in, 4);

    out->count = count < TREE_ROOTS_MAX ? count : TREE_ROOTS_MAX;
    for (size_t i = 0; i < out->count; i++) {
        out->at[i].index = take(in, 8);
        out->at[i].size = take(in, 8);
        take_bytes(in, out->at[i].hash, TREE_HASH_BYTES);
    }
}

/* False for a slot that was never written, or not to its end. */
static bool take_slot(const char bytes[SLOT_BYTES], Slot *out)
{
    In in = {bytes + 8};
    char found[sizeof magic];

    *out = (Slot){0};
    take_bytes(&in, found, sizeof found);
    if (XXH3_64bits(bytes + 8, SLOT_BYTES - 8) != bytes_get(bytes, 8) ||
        memcmp(found, magic, sizeof magic) != 0)
        return false;
    out->version = take(&in, 4);
    uint64_t flags = take(&in, 4);
    out->state.identity.compat = flags & FLAG_COMPAT;
    out->state.identity.anonymous = flags & FLAG_ANONYMOUS;
    out->sequence = take(&in, 8);
    take_bytes(&in, out->boot, BOOT_BYTES);
    take_bytes(&in, out->state.identity.key, FEED_KEY_BYTES);
    take_bytes(&in, out->state.identity.signer, SIGN_PUBLIC_BYTES);
    take_bytes(&in, out->state.identity.space, FEED_KEY_BYTES);
    out->state.applied = take(&in, 8);
    out->state.chain = take(&in, 8);
    out->state.fork = take(&in, 8);
    out->state.roots.length = take(&in, 8);
    out->state.roots.bytes = take(&in, 8);
    out->state.held = take(&in, 8);
    size_t len = (size_t)take(&in, 4);
    out->state.signature_len = len < FEED_SIGNATURE_MAX ? len : FEED_SIGNATURE_MAX;
    take_bytes(&in, out->state.signature, FEED_SIGNATURE_MAX);
    in.at += SIGNATURE_ROOM - FEED_SIGNATURE_MAX;
    take_roots(&in, &out->state.roots);
    return true;
}

static bool is_of_now(const FeedHeadFile *head, const Slot *slot)
{
    static const unsigned char none[BOOT_BYTES];

    return memcmp(head->boot, none, BOOT_BYTES) != 0 && memcmp(head->boot, slot->boot, BOOT_BYTES) == 0;
}

static bool counts(const FeedHeadFile *head, int number, const Slot *slot)
{
    return number < SYNCED_SLOTS || is_of_now(head, slot);
}

static bool choose(FeedHeadFile *head, FeedState *out, Err *err)
{
    char bytes[SLOT_BYTES];
    bool found = false;
    Slot slot;

    for (int i = 0; i < SLOTS; i++) {
        size_t got = 0;

        if (!os_pread_all(head->fd, bytes, SLOT_BYTES, (off_t)i * SLOT_BYTES, &got, err))
            return err_wrap(err, "cannot read '%s'", head->path);
        if (got < SLOT_BYTES || !take_slot(bytes, &slot))
            continue;
        if (slot.version != VERSION)
            return err_set(err, ERR_LIMIT, "'%s' is of version %llu, which this program does not know",
                           head->path, (unsigned long long)slot.version);
        if (counts(head, i, &slot) && (!found || slot.sequence > head->sequence)) {
            found = true;
            head->sequence = slot.sequence;
            head->of_now = is_of_now(head, &slot);
            *out = slot.state;
        }
    }
    return found || err_set(err, ERR_NOT_FOUND, "'%s' has no head", head->path);
}

bool feed_head_open(FeedHeadFile *head, bool write, FeedState *out, Err *err)
{
    head->fd = os_open(head->path, write ? O_RDWR | O_CREAT : O_RDONLY, 0600);
    if (head->fd < 0)
        return err_sys(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "cannot open '%s'", head->path);
    if (write && flock(head->fd, LOCK_EX | LOCK_NB) < 0)
        return err_set(err, ERR_BUSY, "another process writes to the feed in '%.*s'",
                       STR_ARG(str_dir_name(str_from_z(head->path))));
    return choose(head, out, err);
}

bool feed_head_is_of_now(const FeedHeadFile *head)
{
    return head->of_now;
}

/* A feed that was removed, and perhaps made again, has another file. */
static bool is_same_file(const FeedHeadFile *head)
{
    struct stat open_one, named;

    return head->fd < 0 || (fstat(head->fd, &open_one) == 0 && stat(head->path, &named) == 0 &&
                            open_one.st_ino == named.st_ino && open_one.st_dev == named.st_dev);
}

bool feed_head_look(FeedHeadFile *head, FeedState *out, bool *gone, Err *err)
{
    *gone = !is_same_file(head);
    if (*gone)
        return err_set(err, ERR_NOT_FOUND, "'%s' is gone", head->path);
    return head->fd < 0 ? feed_head_open(head, false, out, err) : choose(head, out, err);
}

void feed_head_forget(FeedHeadFile *head)
{
    buf_reset(&head->marks);
    buf_reset(&head->piece);
}

static bool write_slot(FeedHeadFile *head, const FeedState *state, bool synced, Err *err)
{
    BUF_SCOPE(body);
    BUF_SCOPE(slot);

    head->sequence++;
    put_slot(head, state, &body);
    while (body.len < SLOT_BYTES - 8)
        buf_put_byte(&body, 0);
    bytes_put(&slot, XXH3_64bits(body.ptr, body.len), 8);
    buf_put(&slot, buf_str(&body));
    int number = (synced ? 0 : SYNCED_SLOTS) + (int)(head->sequence % 2);
    return os_pwrite_all(head->fd, buf_str(&slot), (off_t)number * SLOT_BYTES, err) ||
           err_wrap(err, "cannot write to '%s'", head->path);
}

/* ---- bits ---- */

void feed_head_mark(FeedHeadFile *head, uint64_t first, uint64_t count, bool held)
{
    Mark *last = head->marks.len ? (Mark *)(void *)(head->marks.ptr + head->marks.len - sizeof *last) : NULL;
    Mark mark = {first, count, held};

    if (last && last->held == held && last->first + last->count == first)
        last->count += count;
    else
        buf_put(&head->marks, (Str){(const char *)&mark, sizeof mark});
}

size_t feed_head_waiting(const FeedHeadFile *head)
{
    return head->marks.len / sizeof(Mark);
}

static void change(char *bits, uint64_t from, uint64_t to, bool held)
{
    for (uint64_t bit = from; bit < to; bit++) {
        char mask = (char)(1 << bit % 8);

        if (bit % 8 == 0 && to - bit >= 8) { /* eight at once */
            bits[bit / 8] = (char)(held ? 0xff : 0);
            bit += 7;
        } else
            bits[bit / 8] = (char)(held ? bits[bit / 8] | mask : bits[bit / 8] & ~mask);
    }
}

static bool write_mark(FeedHeadFile *head, const Mark *mark, Err *err)
{
    for (uint64_t bit = mark->first, end = mark->first + mark->count; bit < end;) {
        char piece[BITS_PIECE] = {0};
        uint64_t byte = bit / 8, last = end < (byte + BITS_PIECE) * 8 ? end : (byte + BITS_PIECE) * 8;
        size_t len = (size_t)((last + 7) / 8 - byte), got;

        if (!os_pread_all(head->fd, piece, len, (off_t)(BITS_AT + byte), &got, err))
            return false;
        change(piece, bit - byte * 8, last - byte * 8, mark->held);
        if (!os_pwrite_all(head->fd, (Str){piece, len}, (off_t)(BITS_AT + byte), err))
            return false;
        bit = last;
    }
    return true;
}

/* The marks that are not in the piece yet; the last one that is may have grown since. */
static void apply(FeedHeadFile *head, size_t count)
{
    const Mark *marks = (const Mark *)(const void *)head->marks.ptr;
    uint64_t first = head->piece_first, end = first + PIECE_BLOCKS;

    for (size_t i = head->piece_marks ? head->piece_marks - 1 : 0; i < count; i++) {
        uint64_t from = marks[i].first + (i + 1 == head->piece_marks ? head->piece_last : 0);
        uint64_t to = marks[i].first + marks[i].count;

        from = from > first ? from : first;
        to = to < end ? to : end;
        if (from < to)
            change(head->piece.ptr, from - first, to - first, marks[i].held);
    }
    head->piece_marks = count;
    head->piece_last = count ? marks[count - 1].count : 0;
}

/* The piece of the bits that has `block`, as they will be when all marks are written. */
static bool load(FeedHeadFile *head, uint64_t block, Err *err)
{
    uint64_t first = block / PIECE_BLOCKS * PIECE_BLOCKS;
    size_t count = head->marks.len / sizeof(Mark), got;

    if (head->piece.len == 0 || head->piece_first != first) {
        buf_reset(&head->piece);
        char *bits = buf_reserve(&head->piece, BITS_PIECE);
        memset(bits, 0, BITS_PIECE);
        if (head->fd >= 0 &&
            !os_pread_all(head->fd, bits, BITS_PIECE, (off_t)(BITS_AT + first / 8), &got, err))
            return err_wrap(err, "cannot read '%s'", head->path);
        head->piece.len = BITS_PIECE;
        head->piece_first = first;
        head->piece_marks = 0;
    }
    apply(head, count);
    return true;
}

bool feed_head_holds(FeedHeadFile *head, uint64_t block, bool *out, Err *err)
{
    if (!load(head, block, err))
        return false;
    uint64_t bit = block - head->piece_first;
    *out = head->piece.ptr[bit / 8] & 1 << bit % 8;
    return true;
}

static uint64_t count_bits(const char *bits, uint64_t from, uint64_t to)
{
    uint64_t count = 0;

    for (; from < to && from % 8; from++)
        count += (unsigned char)bits[from / 8] >> from % 8 & 1;
    for (; to - from >= 8; from += 8)
        count += (uint64_t)__builtin_popcount((unsigned char)bits[from / 8]);
    for (; from < to; from++)
        count += (unsigned char)bits[from / 8] >> from % 8 & 1;
    return count;
}

bool feed_head_count(FeedHeadFile *head, uint64_t first, uint64_t end, uint64_t *out, Err *err)
{
    uint64_t count = 0;

    while (first < end) {
        if (!load(head, first, err))
            return false;
        uint64_t last = head->piece_first + PIECE_BLOCKS < end ? head->piece_first + PIECE_BLOCKS : end;
        count += count_bits(head->piece.ptr, first - head->piece_first, last - head->piece_first);
        first = last;
    }
    *out = count;
    return true;
}

bool feed_head_next(FeedHeadFile *head, uint64_t first, uint64_t end, bool held, uint64_t *out, Err *err)
{
    for (bool loaded = false; first < end; first++) {
        if (!(loaded && first - head->piece_first < PIECE_BLOCKS) && !load(head, first, err))
            return false;
        loaded = true;
        uint64_t bit = first - head->piece_first;
        unsigned char byte = (unsigned char)head->piece.ptr[bit / 8];

        if (bit % 8 == 0 && byte == (held ? 0 : 0xff)) /* none of these eight */
            first += 7;
        else if ((byte >> bit % 8 & 1) == held)
            break;
    }
    *out = first < end ? first : end;
    return true;
}

static bool sync_file(FeedHeadFile *head, Err *err)
{
    return os_fdatasync(head->fd) == 0 || err_sys(err, ERR_IO, "cannot sync '%s'", head->path);
}

bool feed_head_flush(FeedHeadFile *head, const FeedState *state, bool sync, Err *err)
{
    const Mark *marks = (const Mark *)(const void *)head->marks.ptr;

    for (size_t i = 0; i < head->marks.len / sizeof *marks; i++)
        if (!write_mark(head, &marks[i], err))
            return err_wrap(err, "cannot write to '%s'", head->path);
    buf_reset(&head->marks);
    buf_reset(&head->piece);
    /* The bits before the slot that stands on them. */
    return (!sync || sync_file(head, err)) && write_slot(head, state, sync, err) &&
           (!sync || sync_file(head, err));
}
