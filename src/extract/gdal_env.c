/* SPDX-License-Identifier: Apache-2.0 */
#include "extract/gdal_env.h"

#include <cpl_conv.h>
#include <cpl_error.h>
#include <cpl_vsi.h>
#include <gdal.h>
#include <hdf5.h>

#include "base/buf.h"

static const char *const settings[][2] = {
    {"GDAL_PAM_ENABLED", "NO"},
    {"GDAL_NETCDF_VERIFY_DIMS", "NO"},
    {"GDAL_DISABLE_READDIR_ON_OPEN", "TRUE"}, /* a stat for each side-car beats listing a huge directory */
    {"CPL_VSIL_GZIP_WRITE_PROPERTIES", "NO"},
    {"CPL_VSIL_CURL_ALLOWED_EXTENSIONS", ".none"},
    {"GDAL_HTTP_MAX_RETRY", "0"},
    {"GDAL_HTTP_TIMEOUT", "1"},
    {"GDAL_CACHEMAX", "64"},
    {"GDAL_MAX_DATASET_POOL_SIZE", "32"},
    {"GTIFF_IGNORE_READ_ERRORS", "NO"},
    {"OGR_SQLITE_JOURNAL", "OFF"},
    {"VRT_SHARED_SOURCE", "0"},
    {"GDAL_NUM_THREADS", "1"},
};

/*
 * Drivers of servers and databases, of tables, documents and programs' icons, which have no positions, and of
 * directories.
 */
static const char *const unwanted[] = {
    "AmigoCloud",    "API_PROXY",  "Carto",         "CSV",    "CSW",      "DAAS",     "DERIVED",
    "EEDA",          "EEDAI",      "Elasticsearch", "GMLAS",  "GPSBabel", "HTTP",     "MEM",
    "Memory",        "MongoDBv3",  "MSSQLSpatial",  "MySQL",  "NGW",      "OAPIF",    "ODBC",
    "ODS",           "OGCAPI",     "PDF",           "PGDUMP", "PGeo",     "PLMOSAIC", "PLSCENES",
    "PostGISRaster", "PostgreSQL", "STACIT",        "STACTA", "VDV",      "WCS",      "WFS",
    "WMS",           "WMTS",       "XLS",           "XLSX",   "XPM",      "Zarr",
};

/* Virtual file systems of servers and of this process's own input and output. */
static const char *const remote[] = {
    "/vsicurl/",
    "/vsicurl?",
    "/vsicurl_streaming/",
    "/vsis3/",
    "/vsis3_streaming/",
    "/vsigs/",
    "/vsigs_streaming/",
    "/vsiaz/",
    "/vsiaz_streaming/",
    "/vsiadls/",
    "/vsioss/",
    "/vsioss_streaming/",
    "/vsiswift/",
    "/vsiswift_streaming/",
    "/vsihdfs/",
    "/vsiwebhdfs/",
    "/vsistdin/",
    "/vsistdout/",
};

static Buf noise;
static bool unrecognized, no_layers;

/*
 * A KML file that has no folder or document, the only things that the reader makes layers of, or whose outermost element
 * is not KML's (which gives no reason). What is not even XML has one.
 */
static bool tells_no_layers(Str text)
{
    return str_starts(text, STR("ERROR parsing kml ")) &&
           (str_ends(str_trim(text), STR(":")) || str_ends(text, STR("no container element at the root.")));
}

static void CPL_STDCALL collect(CPLErr kind, CPLErrorNum number, const char *text)
{
    if (kind == CE_Debug || kind == CE_None)
        return;
    if (number == CPLE_OpenFailed && strstr(text, "not recognized as a supported file format"))
        unrecognized = true;
    if (number == CPLE_OpenFailed && tells_no_layers(str_from_z(text)))
        no_layers = true;
    if (noise.len >= NOISE_MAX)
        return;
    if (noise.len > 0)
        buf_put(&noise, STR("; "));
    buf_put(&noise, str_sub(str_from_z(text), 0, NOISE_MAX - noise.len));
}

static void *refuse_open(void *data, const char *path, const char *access)
{
    (void)data;
    (void)path;
    (void)access;
    return NULL;
}

static int refuse_stat(void *data, const char *path, VSIStatBufL *out, int flags)
{
    (void)data;
    (void)path;
    (void)out;
    (void)flags;
    return -1;
}

/* GDAL requires all of these; none is reached, because nothing opens. */
static size_t refuse_read(void *file, void *to, size_t size, size_t count)
{
    (void)file;
    (void)to;
    (void)size;
    (void)count;
    return 0;
}

static int refuse_seek(void *file, vsi_l_offset to, int whence)
{
    (void)file;
    (void)to;
    (void)whence;
    return -1;
}

static vsi_l_offset refuse_tell(void *file)
{
    (void)file;
    return 0;
}

static int refuse_close(void *file)
{
    (void)file;
    return 0;
}

static void refuse_remote(void)
{
    VSIFilesystemPluginCallbacksStruct *calls = VSIAllocFilesystemPluginCallbacksStruct();

    calls->open = refuse_open;
    calls->stat = refuse_stat;
    calls->read = refuse_read;
    calls->seek = refuse_seek;
    calls->tell = refuse_tell;
    calls->eof = refuse_close;
    calls->close = refuse_close;
    for (size_t i = 0; i < COUNT_OF(remote); i++)
        (void)VSIInstallPluginHandler(remote[i], calls);
    VSIFreeFilesystemPluginCallbacksStruct(calls);
}

void gdal_env_open(void)
{
    CPLSetErrorHandler(collect);
    for (size_t i = 0; i < COUNT_OF(settings); i++)
        CPLSetConfigOption(settings[i][0], settings[i][1]);
    GDALAllRegister();
    for (size_t i = 0; i < COUNT_OF(unwanted); i++) {
        GDALDriverH driver = GDALGetDriverByName(unwanted[i]);

        if (driver)
            GDALDeregisterDriver(driver);
    }
    refuse_remote();
    (void)H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    gdal_noise_reset();
}

void gdal_env_close(void)
{
    GDALDestroyDriverManager();
    buf_release(&noise);
}

void gdal_noise_reset(void)
{
    CPLErrorReset();
    buf_reset(&noise);
    unrecognized = no_layers = false;
}

Str gdal_noise(void)
{
    for (size_t i = 0; i < noise.len; i++)
        if ((unsigned char)noise.ptr[i] < 0x20)
            noise.ptr[i] = ' ';
    return str_trim(buf_str(&noise));
}

bool gdal_noise_unrecognized(void)
{
    return unrecognized;
}

bool gdal_noise_no_layers(void)
{
    return no_layers;
}
