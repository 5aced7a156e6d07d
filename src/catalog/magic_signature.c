/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/magic_signature.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static unsigned byte_at(Str s, size_t at)
{
    return at < s.len ? (unsigned char)s.ptr[at] : 0;
}

/* A whole number of `bytes` bytes; what is beyond the end counts as 0. */
static uint64_t number_at(Str s, size_t at, size_t bytes, bool big_endian)
{
    uint64_t value = 0;

    for (size_t i = 0; i < bytes; i++)
        value = value << 8 | byte_at(s, big_endian ? at + i : at + bytes - 1 - i);
    return value;
}

static bool has_at(Str s, size_t at, Str bytes)
{
    return at <= s.len && str_starts(str_sub(s, at, s.len), bytes);
}

ATTR_PRINTF(2, 3)
static void set_detail(MagicSignature *out, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(out->detail, sizeof out->detail, fmt, args);
    va_end(args);
}

/* NetCDF-4 files name the library that wrote them in an attribute near the start. */
static bool check_hdf5(Str head, MagicSignature *out)
{
    if (memmem(head.ptr, head.len, "_NCProperties", strlen("_NCProperties")))
        set_detail(out, "netcdf-4");
    return true;
}

static bool check_netcdf(Str head, MagicSignature *out)
{
    unsigned version = byte_at(head, 3);

    set_detail(out, "%s", version == 1 ? "classic" : version == 2 ? "64-bit offset" : "64-bit data");
    return true;
}

/* FITS 4.0 section 4.4.1.1: SIMPLE is the first keyword, its value T in column 30. */
static bool check_fits(Str head, MagicSignature *out)
{
    (void)out;
    return byte_at(head, 29) == 'T' || byte_at(head, 29) == 'F';
}

/* WMO 306, codes FM 92 and FM 94: the edition is the eighth byte. */
static bool check_edition(Str head, MagicSignature *out)
{
    unsigned edition = byte_at(head, 7);

    set_detail(out, "edition %u", edition);
    return head.len >= 8 && edition <= 9;
}

enum { TAG_GEO_KEYS = 34735, TAG_TILE_WIDTH = 322 };

void magic_signature_look_at_directory(Str piece, MagicSignature *signature)
{
    size_t count_bytes = signature->big_tiff ? 8 : 2, entry_bytes = signature->big_tiff ? 20 : 12;
    uint64_t count = number_at(piece, 0, count_bytes, signature->big_endian);

    for (uint64_t i = 0; i < count && count_bytes + i * entry_bytes + 2 <= piece.len; i++)
        if (number_at(piece, count_bytes + i * entry_bytes, 2, signature->big_endian) == TAG_GEO_KEYS)
            signature->format = "geotiff";
}

/* TIFF 6.0 section 2; BigTIFF: 8-byte offsets; OGC 19-008 for the keys. */
static bool check_tiff(Str head, MagicSignature *out)
{
    enum { DIRECTORY_MIN = 8 };

    out->big_endian = byte_at(head, 0) == 'M';
    out->big_tiff = number_at(head, 2, 2, out->big_endian) == 43;
    uint64_t at =
        out->big_tiff ? number_at(head, 8, 8, out->big_endian) : number_at(head, 4, 4, out->big_endian);

    if (at < DIRECTORY_MIN)
        return false;
    if (out->big_tiff)
        set_detail(out, "bigtiff");
    Str piece = at < head.len ? str_sub(head, at, head.len) : STR("");
    size_t count_bytes = out->big_tiff ? 8 : 2, entry_bytes = out->big_tiff ? 20 : 12;
    uint64_t count = number_at(piece, 0, count_bytes, out->big_endian);
    if (piece.len < count_bytes || count > (piece.len - count_bytes) / entry_bytes)
        out->directory_at = at;
    magic_signature_look_at_directory(piece, out);
    return true;
}

static bool check_riff(Str head, MagicSignature *out)
{
    (void)out;
    return str_starts(head, STR("RIFF"));
}

/* SQLite's file format, section 1.2.5: an application's own number at byte 68. */
static bool check_sqlite(Str head, MagicSignature *out)
{
    Str application = str_sub(head, 68, 72);

    if (str_eq_z(application, "GPKG") || str_eq_z(application, "GP10") || str_eq_z(application, "GP11")) {
        out->format = "geopackage";
        out->mime = "application/geopackage+sqlite3";
    } else if (str_eq_z(application, "MPBX")) {
        out->format = "mbtiles";
        out->mime = "application/vnd.mapbox-vector-tile+sqlite3";
    }
    return true;
}

/* ESRI Shapefile Technical Description: version 1000 at byte 28, the kind of shape at byte 32. */
static bool check_shapefile(Str head, MagicSignature *out)
{
    static const struct {
        uint64_t number;
        const char *name;
    } shapes[] = {{0, "null"},          {1, "point"},      {3, "polyline"},    {5, "polygon"},
                  {8, "multipoint"},    {11, "point z"},   {13, "polyline z"}, {15, "polygon z"},
                  {18, "multipoint z"}, {21, "point m"},   {23, "polyline m"}, {25, "polygon m"},
                  {28, "multipoint m"}, {31, "multipatch"}};

    if (number_at(head, 28, 4, false) != 1000)
        return false;
    for (size_t i = 0; i < COUNT_OF(shapes); i++)
        if (shapes[i].number == number_at(head, 32, 4, false))
            set_detail(out, "%s", shapes[i].name);
    return true;
}

/* What the name of a zip file's first entries says about the file. */
static const struct {
    const char *begins, *ends, *holds; /* first name; bytes anywhere in the head */
    const char *format, *mime;
} zip_kinds[] = {
    {"[Content_Types].xml", "", "word/", "docx",
     "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
    {"[Content_Types].xml", "", "xl/", "xlsx",
     "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
    {"[Content_Types].xml", "", "ppt/", "pptx",
     "application/vnd.openxmlformats-officedocument.presentationml.presentation"},
    {"META-INF/", "", "", "jar", "application/java-archive"},
    {"", ".kml", "", "kmz", "application/vnd.google-earth.kmz"},
    {"", ".npy", "", "npz", "application/x-npz"},
    {"", ".zarray", "", "zarr-zip", "application/zip"},
    {"", ".zgroup", "", "zarr-zip", "application/zip"},
};

/* OpenDocument and EPUB: the first entry is called mimetype, is not compressed and holds the type. */
static bool take_own_mime(Str head, size_t name_len, MagicSignature *out)
{
    size_t at = 30 + name_len + number_at(head, 28, 2, false), len = number_at(head, 22, 4, false);
    Str mime = str_sub(head, at, at + len);

    if (byte_at(head, 8) != 0 || len >= sizeof out->mime_room || mime.len != len ||
        !str_starts(mime, STR("application/")))
        return false;
    for (size_t i = 0; i < len; i++)
        if (mime.ptr[i] <= ' ' || mime.ptr[i] >= 0x7f || mime.ptr[i] == '"' || mime.ptr[i] == '\\')
            return false;
    memcpy(out->mime_room, mime.ptr, len);
    out->mime_room[len] = '\0';
    out->mime = out->mime_room;
    out->format = str_eq_z(mime, "application/epub+zip") ? "epub" : "opendocument";
    return true;
}

/* APPNOTE 6.3.10 section 4.3.7: the local header of the first entry. */
static bool check_zip(Str head, MagicSignature *out)
{
    size_t name_len = number_at(head, 26, 2, false);
    Str name = str_sub(head, 30, 30 + name_len);

    if (str_eq_z(name, "mimetype") && take_own_mime(head, name_len, out))
        return true;
    for (size_t i = 0; i < COUNT_OF(zip_kinds); i++)
        if (str_starts(name, str_from_z(zip_kinds[i].begins)) &&
            str_ends(name, str_from_z(zip_kinds[i].ends)) &&
            memmem(head.ptr, head.len, zip_kinds[i].holds, strlen(zip_kinds[i].holds))) {
            out->format = zip_kinds[i].format;
            out->mime = zip_kinds[i].mime;
            break;
        }
    return true;
}

static bool check_bzip2(Str head, MagicSignature *out)
{
    (void)out;
    return str_starts(head, STR("BZh")) && byte_at(head, 3) >= '1' && byte_at(head, 3) <= '9';
}

static bool check_pdf(Str head, MagicSignature *out)
{
    if (byte_at(head, 5) - '0' <= 9 && byte_at(head, 6) == '.' && byte_at(head, 7) - '0' <= 9)
        set_detail(out, "%c.%c", head.ptr[5], head.ptr[7]);
    return true;
}

/* System V ABI chapter 4: class at byte 4, byte order at 5, type at 16. */
static bool check_elf(Str head, MagicSignature *out)
{
    static const struct {
        const char *detail, *mime;
    } kinds[] = {{"none", "application/octet-stream"},
                 {"object", "application/x-object"},
                 {"executable", "application/x-executable"},
                 {"shared object", "application/x-sharedlib"},
                 {"core", "application/x-coredump"}};
    uint64_t kind = number_at(head, 16, 2, byte_at(head, 5) == 2);

    if (kind < COUNT_OF(kinds)) {
        out->mime = kinds[kind].mime;
        set_detail(out, "%d-bit %s", byte_at(head, 4) == 2 ? 64 : 32, kinds[kind].detail);
    }
    return true;
}

#define check_NONE NULL

static const struct {
    const char *format, *mime;
    size_t at;
    Str bytes;
    bool (*check)(Str head, MagicSignature *out);
} rows[] = {
#define X(format, mime, at, bytes, check) {format, mime, at, {bytes, sizeof(bytes) - 1}, check_##check},
#include "catalog/signature.def"
#undef X
};

/* An HDF5 file may have a block of the user's in front: the signature is at 512, 1024, ... (format, II.A). */
static bool match_behind_user_block(Str head, MagicSignature *out)
{
    for (size_t at = 512; at < head.len; at *= 2)
        if (has_at(head, at, rows[0].bytes)) {
            *out = (MagicSignature){.format = rows[0].format, .mime = rows[0].mime};
            set_detail(out, str_starts(head, STR("MATLAB 7.3")) ? "matlab 7.3" : "user block of %zu bytes",
                       at);
            return true;
        }
    return false;
}

bool magic_signature_match(Str head, MagicSignature *out)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (!has_at(head, rows[i].at, rows[i].bytes))
            continue;
        MagicSignature found = {.format = rows[i].format, .mime = rows[i].mime};
        if (rows[i].check && !rows[i].check(head, &found))
            continue;
        /* Its own room moves with it. */
        bool own = found.mime == found.mime_room;
        *out = found;
        if (own)
            out->mime = out->mime_room;
        return true;
    }
    return match_behind_user_block(head, out);
}
