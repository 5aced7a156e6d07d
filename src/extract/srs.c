/* SPDX-License-Identifier: Apache-2.0 */
#include "extract/srs.h"

#include <cpl_conv.h>

#include "base/map.h"

const char srs_wgs84[] = "EPSG:4326";

/* WKT (or what the user gave) to SrsText, for as long as the process lives; CACHE_MAX entries at most. */
enum { CACHE_MAX = 512 };
static Map cache;
static Arena cache_arena;

static SrsText *cached(Str key)
{
    return map_get(&cache, key);
}

static SrsText remember(Arena *arena, Str key, SrsText text)
{
    SrsText *kept;

    if (cache.count >= CACHE_MAX) {
        arena_free(&cache_arena);
        cache = (Map){0};
        cache_arena = (Arena){0};
    }
    kept = arena_new(&cache_arena, SrsText, 1);
    kept->wkt = str_copy(&cache_arena, text.wkt);
    kept->proj4 = str_copy(&cache_arena, text.proj4);
    *map_slot(&cache, &cache_arena, key) = kept;
    return (SrsText){str_copy(arena, kept->wkt), str_copy(arena, kept->proj4)};
}

static Str take(Arena *arena, char *text)
{
    Str copy = str_copy(arena, str_from_z(text));

    CPLFree(text);
    return copy;
}

static SrsText copy_of(Arena *arena, const SrsText *text)
{
    return (SrsText){str_copy(arena, text->wkt), str_copy(arena, text->proj4)};
}

SrsText srs_text(Arena *arena, OGRSpatialReferenceH srs)
{
    char *wkt = NULL, *proj4 = NULL;
    SrsText text = {0}, *known;

    if (!srs)
        return text;
    if (OSRExportToWkt(srs, &wkt) != OGRERR_NONE || !wkt || !*wkt) {
        const char *const modern[] = {"FORMAT=WKT2_2018", NULL};

        CPLFree(wkt);
        wkt = NULL;
        (void)OSRExportToWktEx(srs, &wkt, modern); /* not every system has a version 1 */
    }
    text.wkt = take(arena, wkt);
    known = cached(text.wkt);
    if (known)
        return copy_of(arena, known);
    (void)OSRExportToProj4(srs, &proj4);
    text.proj4 = take(arena, proj4);
    return remember(arena, text.wkt, text);
}

/* The text comes out of files and rules. Others than these could name a file or a server to read from. */
static bool harmless(Str given)
{
    static const char *const starts[] = {
        "EPSG:",   "epsg:",   "ESRI:",   "OGC:",     "IAU",        "urn:ogc:def:crs:",
        "+proj",   "GEOGCS",  "PROJCS",  "GEOCCS",   "LOCAL_CS",   "COMPD_CS",
        "GEOGCRS", "GEODCRS", "PROJCRS", "BOUNDCRS", "COMPOUNDCRS"};

    for (size_t i = 0; i < COUNT_OF(starts); i++)
        if (str_starts(given, str_from_z(starts[i])))
            return true;
    return false;
}

SrsText srs_from_user(Arena *arena, Str given)
{
    const SrsText *known = cached(given);
    OGRSpatialReferenceH srs;
    SrsText text = {0};

    given = str_trim(given);
    if (known || !harmless(given))
        return known ? copy_of(arena, known) : text;
    srs = OSRNewSpatialReference(NULL);
    if (OSRSetFromUserInput(srs, str_to_z(arena, given)) == OGRERR_NONE)
        text = srs_text(arena, srs);
    OSRDestroySpatialReference(srs);
    return remember(arena, given, text);
}

bool srs_is_degrees(Str wkt)
{
    return str_starts(wkt, STR("GEOGCS")) || str_starts(wkt, STR("GEOGCRS")) ||
           str_starts(wkt, STR("GEODCRS"));
}
