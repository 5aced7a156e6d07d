/* SPDX-License-Identifier: Apache-2.0 */
/* The operations about a directory as a whole: its times, and its box, period and variables. */
#include <arpa/inet.h>
#include <endian.h>
#include <stdlib.h>
#include <xxhash.h>

#include "base/json.h"
#include "catalog/mas_shard.h"
#include "catalog_sql.h"

/* ---- lists of times ---- */

/* PostgreSQL counts from 2000-01-01. */
static const Instant postgres_start = SECONDS(946684800);

typedef struct Stamps {
    Buf bytes; /* of Instant */
} Stamps;

static void release_stamps(Stamps *stamps)
{
    buf_release(&stamps->bytes);
}

static Instant *stamps_at(const Stamps *stamps)
{
    return (Instant *)(void *)stamps->bytes.ptr;
}

static size_t stamps_count(const Stamps *stamps)
{
    return stamps->bytes.len / sizeof(Instant);
}

/* Numbers in network order, `step` bytes apart. */
static void take_numbers(Stamps *stamps, const char *from, size_t count, size_t step, Instant start)
{
    char *to = buf_reserve(&stamps->bytes, count * sizeof(Instant));

    for (size_t i = 0; i < count; i++) {
        uint64_t big;

        memcpy(&big, from + i * step, sizeof big);
        Instant at = (Instant)be64toh(big) + start;
        memcpy(to + i * sizeof at, &at, sizeof at);
    }
    stamps->bytes.len += count * sizeof(Instant);
}

/* Packed, or a timestamptz[] in binary form: a head of five words, and each time behind its length. */
static bool take_list(void *stamps_v, const PGresult *row, Err *err)
{
    enum { HEAD = 20, ELEMENT = 12, LENGTH = 4 };
    Stamps *stamps = stamps_v;
    Str packed = db_text(row, 0, 0), list = db_text(row, 0, 1);

    (void)err;
    take_numbers(stamps, packed.ptr, packed.len / sizeof(Instant), sizeof(Instant), 0);
    if (list.len > HEAD)
        take_numbers(stamps, list.ptr + HEAD + LENGTH, (list.len - HEAD) / ELEMENT, ELEMENT, postgres_start);
    return true;
}

/* Merges [from, middle) and [middle, end) of `in` into `out`, each time once; returns how many. */
static size_t merge(const Instant *in, size_t from, size_t middle, size_t end, Instant *out)
{
    size_t a = from, b = middle, n = 0;

    while (a < middle || b < end) {
        Instant next = b == end || (a < middle && in[a] <= in[b]) ? in[a++] : in[b++];

        if (n == 0 || out[n - 1] != next)
            out[n++] = next;
    }
    return n;
}

/* The end of the ascending run that starts at `from`. */
static size_t run_end(const Instant *at, size_t from, size_t count)
{
    while (++from < count && at[from - 1] < at[from])
        ;
    return from;
}

/* Sorts, and leaves each time once: lists come sorted, so that runs are merged two and two. */
static void sort_once_each(Stamps *stamps)
{
    BUF_SCOPE(other);

    while (stamps_count(stamps) &&
           run_end(stamps_at(stamps), 0, stamps_count(stamps)) < stamps_count(stamps)) {
        const Instant *in = stamps_at(stamps);
        size_t count = stamps_count(stamps), n = 0;
        Instant *out = (Instant *)(void *)buf_reserve(&other, stamps->bytes.len);

        for (size_t from = 0; from < count;) {
            size_t middle = run_end(in, from, count),
                   end = middle < count ? run_end(in, middle, count) : middle;

            n += merge(in, from, middle, end, out + n);
            from = end;
        }
        other.len = n * sizeof(Instant);
        Buf swap = stamps->bytes;
        stamps->bytes = other;
        other = swap;
        buf_reset(&other);
    }
}

static void keep_between(Stamps *stamps, Instant since, Instant until)
{
    Instant *at = stamps_at(stamps);
    size_t n = 0;

    for (size_t i = 0, count = stamps_count(stamps); i < count; i++)
        if (at[i] >= since && at[i] <= until)
            at[n++] = at[i];
    stamps->bytes.len = n * sizeof(Instant);
}

/* ---- writing ---- */

enum { STAMP_TEXT = 28 }; /* bytes: `, "2010-01-01T00:00:00.000Z"` */

static void put_pair(char *to, int64_t value)
{
    to[0] = (char)('0' + value / 10);
    to[1] = (char)('0' + value % 10);
}

/* The text of the day that was written last stands for all stamps of that day. */
typedef struct DayText {
    int64_t day;
    char text[STAMP_TEXT + 1];
} DayText;

static void start_day(DayText *day, int64_t today)
{
    enum { YEAR_LAST = 9999 };
    int64_t year;
    int month, dom;

    time_civil_from_days(today, &year, &month, &dom);
    year = year < 0 ? 0 : year > YEAR_LAST ? YEAR_LAST : year;
    day->day = today;
    memcpy(day->text, ", \"0000-00-00T00:00:00.000Z\"", STAMP_TEXT);
    put_pair(day->text + 3, year / 100);
    put_pair(day->text + 5, year % 100);
    put_pair(day->text + 8, month);
    put_pair(day->text + 11, dom);
}

static void put_stamp(char *to, Instant at, DayText *day)
{
    int64_t ms = at / 1000 - (at % 1000 < 0), today = ms / 86400000 - (ms % 86400000 < 0);

    if (today != day->day)
        start_day(day, today);
    int left = (int)(ms - today * 86400000), seconds = left / 1000;
    memcpy(to, day->text, STAMP_TEXT);
    put_pair(to + 14, seconds / 3600);
    put_pair(to + 17, seconds / 60 % 60);
    put_pair(to + 20, seconds % 60);
    to[23] = (char)('0' + left % 1000 / 100);
    put_pair(to + 24, left % 100);
}

/* ---- timestamps ---- */

typedef struct Ask {
    Arena *arena;
    const MasOut *out;
    MasPlace place;
    MasNames names;
    const MasStamps *stamps; /* of timestamps */
} Ask;

static const Instant first_instant = -SECONDS(62135510400);

static bool read_stamps(Mas *mas, Db *db, const Ask *ask, Stamps *stamps, Err *err)
{
    char first_text[TIME_TEXT_MAX], last_text[TIME_TEXT_MAX];
    const MasStamps *wish = ask->stamps;
    Instant since = first_instant, until = time_now();

    if ((wish->time.len && !mas_time(db, wish->time, &since, err)) ||
        (wish->until.len && !mas_time(db, wish->until, &until, err)))
        return false;
    if (wish->time.len && wish->until.len && since > until)
        return err_set(err, ERR_USAGE,
                       "pq: range lower bound must be less than or equal to range upper bound");
    bool starts = mas_is_compat(mas) && (wish->time.len || wish->until.len);
    const DbArg args[] = {mas_hash_arg(&ask->place.hash),
                          DB_TEXT_IF(ask->names.given, ask->names.list),
                          DB_BOOL(ask->place.kept && !starts),
                          DB_BOOL(ask->place.is_root),
                          DB_TEXT_IF(starts, time_format(since, first_text)),
                          DB_TEXT_IF(starts, time_format(until, last_text))};

    if (!ask->place.exists)
        return true;
    if (!db_stream(db, &sql_mas_stamps, args, true, take_list, stamps, err))
        return false;
    sort_once_each(stamps);
    keep_between(stamps, since, until);
    return true;
}

/* Stands for this answer and no other, so that a client that has it need not read it again. */
static Str token_of(Arena *arena, const Ask *ask, const Stamps *stamps)
{
    BUF_SCOPE(text);
    XXH128_hash_t list = XXH3_128bits(stamps->bytes.ptr, stamps->bytes.len);

    buf_printf(&text, "%.*s\n%.*s\n%.*s\n%.*s\n%016llx%016llx", STR_ARG(ask->place.path),
               STR_ARG(ask->stamps->time), STR_ARG(ask->stamps->until), STR_ARG(ask->stamps->names),
               (unsigned long long)list.high64, (unsigned long long)list.low64);
    XXH128_hash_t sum = XXH3_128bits(text.ptr, text.len);
    return str_printf(arena, "%08llx-%04llx-%04llx-%04llx-%012llx", (unsigned long long)(sum.high64 >> 32),
                      (unsigned long long)(sum.high64 >> 16 & 0xffff),
                      (unsigned long long)(sum.high64 & 0xffff), (unsigned long long)(sum.low64 >> 48),
                      (unsigned long long)(sum.low64 & 0xffffffffffff));
}

static bool put_stamps(const Ask *ask, const Stamps *stamps, Err *err)
{
    enum { AT_ONCE = 4096, SEPARATOR = 2 };
    const MasOut *out = ask->out;
    const Instant *at = stamps_at(stamps);
    DayText day = {.day = INT64_MIN};

    for (size_t i = 0, count = stamps_count(stamps); i < count;) {
        size_t some = count - i < AT_ONCE ? count - i : AT_ONCE;
        char *to = buf_reserve(out->body, some * STAMP_TEXT);

        for (size_t j = 0; j < some; j++)
            put_stamp(to + j * STAMP_TEXT, at[i + j], &day);
        if (i == 0) /* nothing stands before the first */
            memmove(to, to + SEPARATOR, some * STAMP_TEXT - SEPARATOR);
        out->body->len += some * STAMP_TEXT - (i == 0 ? SEPARATOR : 0);
        i += some;
        if (out->flush && !out->flush(out->ctx, err))
            return false;
    }
    buf_put(out->body, STR("]}"));
    return true;
}

static bool ask_stamps(Mas *mas, Db *db, const MasShard *shard, void *ask_v, bool *moved, Err *err)
{
    ATTR_CLEANUP(release_stamps) Stamps stamps = {0};
    Ask *ask = ask_v;

    if (!mas_place_read(db, shard, &ask->place, moved, err))
        return false;
    if (*moved)
        return true;
    if (!read_stamps(mas, db, ask, &stamps, err))
        return false;
    Str token = token_of(ask->arena, ask, &stamps);
    if (str_eq(token, ask->stamps->token))
        buf_reset(&stamps.bytes);
    buf_reset(ask->out->body);
    buf_printf(ask->out->body, "{\"token\": \"%.*s\", \"timestamps\": [", STR_ARG(token));
    return put_stamps(ask, &stamps, err);
}

bool mas_timestamps(Mas *mas, Arena *arena, const MasStamps *stamps, const MasOut *out, Err *err)
{
    Ask ask = {.arena = arena, .out = out, .stamps = stamps};
    bool found;

    ask.place.path = mas_path(arena, stamps->path);
    ask.place.hash = pathname_hash(ask.place.path);
    ask.names = mas_names(arena, stamps->has_names, stamps->names);
    if (!mas_ask(mas, arena, ask.place.path, ask_stamps, &ask, &found, err))
        return false;
    if (!found)
        buf_put(out->body, STR("{\"token\": \"\", \"timestamps\": []}"));
    return true;
}

/* ---- extents ---- */

static void put_number(Buf *out, const char *key, const PGresult *rows, int column)
{
    JsonOut json = json_out(out);

    buf_printf(out, "%s\"%s\": ", out->len > 1 ? ", " : "", key);
    if (db_is_null(rows, 0, column))
        buf_put(out, STR("null"));
    else
        json_double(&json, db_double(rows, 0, column));
}

/* Without a zone: "2017-12-30T15:30:42". PostgreSQL's own text is "2017-12-30 15:30:42+00". */
static void put_moment(Buf *out, const char *key, const PGresult *rows, int column)
{
    Instant at;
    char text[TIME_TEXT_MAX];

    buf_printf(out, ", \"%s\": ", key);
    if (db_is_null(rows, 0, column) || !time_parse(db_text(rows, 0, column), &at)) {
        buf_put(out, STR("null"));
        return;
    }
    Str utc = time_format(at, text);
    json_put_quoted(out, str_sub(utc, 0, utc.len - 1));
}

static void put_variables(Buf *out, Str names)
{
    Str name;

    buf_put(out, STR(", \"variables\": ["));
    for (bool first = true; names.len; first = false) {
        names = str_cut(names, ',', &name);
        buf_put(out, first ? STR("") : STR(", "));
        json_put_quoted(out, name);
    }
    buf_put(out, STR("]}"));
}

static bool ask_extents(Mas *mas, Db *db, const MasShard *shard, void *ask_v, bool *moved, Err *err)
{
    Ask *ask = ask_v;
    Buf *body = ask->out->body;
    RESULT_SCOPE(rows);

    (void)mas;
    if (!mas_place_read(db, shard, &ask->place, moved, err))
        return false;
    if (*moved)
        return true;
    if (!db_query(db, &sql_mas_extents,
                  DB_ARGS(mas_hash_arg(&ask->place.hash), DB_TEXT_IF(ask->names.given, ask->names.list),
                          DB_BOOL(ask->place.kept), DB_BOOL(ask->place.is_root)),
                  &rows, err))
        return false;
    buf_reset(body);
    buf_put_byte(body, '{');
    put_number(body, "xmax", rows, 2);
    put_number(body, "xmin", rows, 0);
    put_number(body, "ymax", rows, 3);
    put_number(body, "ymin", rows, 1);
    put_moment(body, "max_stamp", rows, 5);
    put_moment(body, "min_stamp", rows, 4);
    put_variables(body, db_text(rows, 0, 6));
    return true;
}

bool mas_extents(Mas *mas, Arena *arena, Str path, bool has_names, Str names, const MasOut *out, Err *err)
{
    Ask ask = {.arena = arena, .out = out};
    bool found;

    ask.place.path = mas_path(arena, path);
    ask.place.hash = pathname_hash(ask.place.path);
    ask.names = mas_names(arena, has_names, names);
    if (!mas_ask(mas, arena, ask.place.path, ask_extents, &ask, &found, err))
        return false;
    if (!found)
        buf_put(out->body, STR("{}"));
    return true;
}
