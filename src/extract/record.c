/* SPDX-License-Identifier: Apache-2.0 */
#include "extract/record.h"

#include <openssl/evp.h>

#include "base/json.h"

void record_init(Record *record, Arena *arena, Str path)
{
    *record = (Record){.filename = record_path(arena, path)};
    record->last = &record->first;
}

RecordSet *record_add(Record *record, Arena *arena)
{
    RecordSet *set = arena_new(arena, RecordSet, 1);

    *record->last = set;
    record->last = &set->next;
    return set;
}

RecordInts record_int(Arena *arena, int64_t value)
{
    RecordInts list = {arena_new(arena, int64_t, 1), 1};

    list.at[0] = value;
    return list;
}

static bool hex_digits(const char *at)
{
    return strspn(at, "0123456789abcdefABCDEF") >= 2;
}

Str record_path(Arena *arena, Str path)
{
    BUF_SCOPE(buf);

    while (path.len > 0) {
        size_t good = str_utf8_prefix(path), n = 0;
        unsigned char c;

        while (n < good) {
            c = (unsigned char)path.ptr[n];
            if (c < 0x20 || c == 0x7f ||
                (c == '\\' && path.len - n >= 4 && path.ptr[n + 1] == 'x' && hex_digits(path.ptr + n + 2)))
                break;
            n++;
        }
        buf_put(&buf, str_sub(path, 0, n));
        if (n < path.len) {
            buf_put_z(&buf, "\\x");
            buf_put_hex(&buf, path.ptr + n, 1);
            n++;
        }
        path = str_sub(path, n, path.len);
    }
    return str_copy(arena, buf_str(&buf));
}

/* --- JSON --- */

static void put_doubles(JsonOut *out, RecordDoubles list)
{
    if (list.len == 0) {
        json_null(out);
        return;
    }
    json_begin(out, '[');
    for (size_t i = 0; i < list.len; i++)
        json_double(out, list.at[i]);
    json_end(out, ']');
}

static void put_ints(JsonOut *out, const char *key, RecordInts list)
{
    json_key(out, key);
    json_begin(out, '[');
    for (size_t i = 0; i < list.len; i++)
        json_int(out, list.at[i]);
    json_end(out, ']');
}

static void put_text(JsonOut *out, const char *key, Str value)
{
    json_key(out, key);
    json_str(out, value);
}

static void put_int(JsonOut *out, const char *key, int64_t value)
{
    json_key(out, key);
    json_int(out, value);
}

static void put_stamps(JsonOut *out, const RecordSet *set)
{
    char text[TIME_TEXT_MAX];

    json_key(out, "timestamps");
    json_begin(out, '[');
    for (size_t i = 0; i < set->stamps_len; i++)
        json_str(out, time_format(set->stamps[i], text));
    json_end(out, ']');
}

static void put_overviews(JsonOut *out, const RecordSet *set)
{
    if (set->overviews_len == 0)
        return;
    json_key(out, "overviews");
    json_begin(out, '[');
    for (size_t i = 0; i < set->overviews_len; i++) {
        json_begin(out, '{');
        put_int(out, "x_size", set->overviews[i][0]);
        put_int(out, "y_size", set->overviews[i][1]);
        json_end(out, '}');
    }
    json_end(out, ']');
}

static void put_transform(JsonOut *out, const RecordSet *set)
{
    json_key(out, "geotransform");
    if (!set->has_transform) {
        json_null(out);
        return;
    }
    json_begin(out, '[');
    for (int i = 0; i < 6; i++)
        json_double(out, set->transform[i]);
    json_end(out, ']');
}

static void put_stats(JsonOut *out, const RecordSet *set)
{
    static const struct {
        const char *key;
        size_t at;
    } lists[] = {{"mins", offsetof(RecordStats, min)},
                 {"maxs", offsetof(RecordStats, max)},
                 {"means", offsetof(RecordStats, mean)},
                 {"stddevs", offsetof(RecordStats, stddev)}};

    if (set->stats_len == 0)
        return;
    for (size_t l = 0; l < COUNT_OF(lists); l++) {
        json_key(out, lists[l].key);
        json_begin(out, '[');
        for (size_t i = 0; i < set->stats_len; i++) {
            double value;

            memcpy(&value, (const char *)&set->stats[i] + lists[l].at, sizeof value);
            json_double(out, value);
        }
        json_end(out, ']');
    }
    json_key(out, "sample_counts");
    json_begin(out, '[');
    for (size_t i = 0; i < set->stats_len; i++)
        json_int(out, set->stats[i].count);
    json_end(out, ']');
}

static void put_nodata(JsonOut *out, const RecordSet *set)
{
    if (set->nodata_kind == NODATA_NONE)
        return;
    json_key(out, "nodata");
    if (set->nodata_kind == NODATA_DOUBLE)
        json_double(out, set->nodata);
    else if (set->nodata_kind == NODATA_INT)
        json_int(out, set->nodata_int);
    else
        json_uint(out, (uint64_t)set->nodata_int);
}

static void put_axes(JsonOut *out, const RecordSet *set)
{
    if (set->axes_len == 0)
        return;
    json_key(out, "axes");
    json_begin(out, '[');
    for (size_t i = 0; i < set->axes_len; i++) {
        const RecordAxis *axis = &set->axes[i];

        json_begin(out, '{');
        put_text(out, "name", axis->name);
        json_key(out, "params");
        put_doubles(out, axis->params);
        put_ints(out, "strides", axis->strides);
        put_ints(out, "shape", axis->shape);
        put_text(out, "grid", axis->grid);
        json_end(out, '}');
    }
    json_end(out, ']');
}

static void put_geo_loc(JsonOut *out, const RecordGeoLoc *loc)
{
    if (!loc)
        return;
    json_key(out, "geo_loc");
    json_begin(out, '{');
    put_text(out, "x_ds_name", loc->x_ds_name);
    put_int(out, "x_band", loc->x_band);
    put_text(out, "y_ds_name", loc->y_ds_name);
    put_int(out, "y_band", loc->y_band);
    put_int(out, "line_offset", loc->line_offset);
    put_int(out, "pixel_offset", loc->pixel_offset);
    put_int(out, "pixel_step", loc->pixel_step);
    put_int(out, "line_step", loc->line_step);
    json_end(out, '}');
}

static void put_set(JsonOut *out, const RecordSet *set)
{
    json_begin(out, '{');
    put_text(out, "ds_name", set->ds_name);
    if (set->name_space.len > 0)
        put_text(out, "namespace", set->name_space);
    put_text(out, "array_type", set->array_type);
    put_int(out, "raster_count", set->raster_count);
    put_stamps(out, set);
    put_overviews(out, set);
    put_int(out, "x_size", set->x_size);
    put_int(out, "y_size", set->y_size);
    put_transform(out, set);
    put_text(out, "polygon", set->polygon);
    put_text(out, "proj_wkt", set->proj_wkt);
    put_text(out, "proj4", set->proj4);
    put_stats(out, set);
    put_nodata(out, set);
    put_axes(out, set);
    put_geo_loc(out, set->geo_loc);
    json_end(out, '}');
}

/* RFC 3339 with as many of nine digits of a fraction as are needed (Go's RFC3339Nano). */
static void put_nano(JsonOut *out, const char *key, struct timespec at)
{
    ARENA_SCOPE(scratch);
    char text[TIME_TEXT_MAX];
    Str whole = time_format((Instant)at.tv_sec * 1000000, text);
    Str fraction = str_printf(&scratch, ".%09ld", at.tv_nsec);

    while (fraction.len > 0 && (str_ends(fraction, STR("0")) || fraction.len == 1))
        fraction.len--;
    put_text(out, key, str_printf(&scratch, "%.*s%.*sZ", (int)whole.len - 1, whole.ptr, STR_ARG(fraction)));
}

static void put_posix(JsonOut *out, const Record *record)
{
    ARENA_SCOPE(scratch);
    BUF_SCOPE(hex);
    const struct stat *st = &record->st;
    Str signature = str_printf(&scratch, "%.*s%ju%jd%jd%ld", STR_ARG(record->filename), (uintmax_t)st->st_ino,
                               (intmax_t)st->st_size, (intmax_t)st->st_mtim.tv_sec, st->st_mtim.tv_nsec);
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    json_key(out, "posix_info");
    json_begin(out, '{');
    json_key(out, "inode");
    json_uint(out, st->st_ino);
    put_int(out, "size", st->st_size);
    put_nano(out, "mtime", st->st_mtim);
    put_nano(out, "ctime", st->st_ctim);
    if (EVP_Digest(signature.ptr, signature.len, digest, &len, EVP_md5(), NULL) == 1) {
        buf_put_hex(&hex, digest, len);
        put_text(out, "file_id", buf_str(&hex));
    }
    json_end(out, '}');
}

void record_put_json(const Record *record, Buf *out)
{
    JsonOut json = json_out(out);

    json_begin(&json, '{');
    put_text(&json, "filename", record->filename);
    put_text(&json, "file_type", record->file_type);
    json_key(&json, "geo_metadata");
    json_begin(&json, '[');
    for (const RecordSet *set = record->first; set; set = set->next)
        put_set(&json, set);
    json_end(&json, ']');
    put_posix(&json, record);
    json_end(&json, '}');
}
