/* SPDX-License-Identifier: Apache-2.0 */
#include "dataset/fits_heap.h"

#include <endian.h>
#include <fcntl.h>

#include "base/os.h"

enum {
    TEXTS_MAX_BYTES = 256 * 1024 * 1024, /* of the rows that are read at once */
    GAP_BYTES = 64 * 1024                /* between texts that are read in one go */
};

bool fits_heap_open(FitsHeap *heap, const char *path, Err *err)
{
    heap->fd = os_open(path, O_RDONLY, 0);
    return heap->fd >= 0 || err_sys(err, ERR_IO, "cannot open '%s'", path);
}

void fits_heap_release(FitsHeap *heap)
{
    os_close(&heap->fd);
    buf_release(&heap->texts);
}

typedef struct Place {
    uint64_t len, at; /* in the heap */
} Place;

/* Two numbers of 4 bytes (P) or 8 (Q). */
static Place place_of(const RecordField *field, const unsigned char *record)
{
    uint32_t narrow[2];
    uint64_t wide[2];

    if (field->bytes == sizeof narrow) {
        memcpy(narrow, record + field->offset, sizeof narrow);
        return (Place){be32toh(narrow[0]), be32toh(narrow[1])};
    }
    memcpy(wide, record + field->offset, sizeof wide);
    return (Place){be64toh(wide[0]), be64toh(wide[1])};
}

/* What the texts of these rows take. */
typedef struct Span {
    uint64_t from, to, sum, count;
} Span;

static bool take_place(const FitsHeap *heap, const Place *place, Span *span, Err *err)
{
    uint64_t bytes = (uint64_t)heap->bytes;

    span->count++;
    if (place->len == 0)
        return true;
    if (place->len > bytes || place->at > bytes - place->len)
        return err_set(err, ERR_USAGE, "a text lies behind the end of the heap");
    span->sum += place->len;
    span->from = place->at < span->from ? place->at : span->from;
    span->to = place->at + place->len > span->to ? place->at + place->len : span->to;
    return span->sum <= TEXTS_MAX_BYTES ||
           err_set(err, ERR_LIMIT, "texts of rows that are read at once have more than %d bytes",
                   TEXTS_MAX_BYTES);
}

static bool read_heap(const FitsHeap *heap, uint64_t at, uint64_t len, char *out, Err *err)
{
    size_t got;

    return os_pread_all(heap->fd, out, len, (off_t)(heap->at + (int64_t)at), &got, err) &&
           (got == len || err_set(err, ERR_IO, "the heap ends too early"));
}

/* All at once where they stand together, as we write them; `all` is then what is from span->from on. */
static bool put_text(FitsHeap *heap, const Place *place, const Span *span, const char *all, Err *err)
{
    char *to = buf_reserve(&heap->texts, place->len + 1);

    if (all && place->len > 0)
        memcpy(to, all + (place->at - span->from), place->len);
    else if (place->len > 0 && !read_heap(heap, place->at, place->len, to, err))
        return false;
    to[place->len] = '\0';
    heap->texts.len += place->len + 1;
    return true;
}

/* Each row's place in the heap becomes an address. */
static bool read_texts(FitsHeap *heap, const RecordLayout *layout, const Span *span, int64_t count,
                       unsigned char *records, Err *err)
{
    ARENA_SCOPE(scratch);
    bool together = span->sum > 0 && span->to - span->from <= 2 * span->sum + GAP_BYTES;
    char *all = together ? arena_new(&scratch, char, span->to - span->from) : NULL;

    if (all && !read_heap(heap, span->from, span->to - span->from, all, err))
        return false;
    buf_reset(&heap->texts);
    (void)buf_reserve(&heap->texts, span->sum + span->count); /* and never moves from here on */
    for (int64_t row = 0; row < count; row++)
        for (size_t i = 0; i < layout->count; i++) {
            const RecordField *field = &layout->fields[i];
            unsigned char *record = records + (size_t)row * layout->bytes;
            const char *text = heap->texts.ptr + heap->texts.len;

            if (field->stored != STORED_POINTER)
                continue;
            Place place = place_of(field, record);
            if (!put_text(heap, &place, span, all, err))
                return false;
            memcpy(record + field->offset, &text, sizeof text);
        }
    return true;
}

bool fits_heap_read(FitsHeap *heap, const RecordLayout *layout, int64_t first, int64_t count,
                    unsigned char *records, Err *err)
{
    Span span = {.from = UINT64_MAX};

    for (int64_t row = 0; row < count; row++)
        for (size_t i = 0; i < layout->count; i++) {
            const RecordField *field = &layout->fields[i];
            Place place;

            if (field->stored != STORED_POINTER)
                continue;
            place = place_of(field, records + (size_t)row * layout->bytes);
            if (!take_place(heap, &place, &span, err))
                return err_wrap(err, "row %lld", (long long)(first + row + 1));
        }
    return read_texts(heap, layout, &span, count, records, err);
}
