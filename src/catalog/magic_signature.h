/* SPDX-License-Identifier: Apache-2.0 */
/*
 * magic_signature -- the format of a file by its first bytes; the table is signature.def
 *
 * Pure: no file is opened, nothing is allocated, any bytes may be given.
 */
#ifndef CATALOG_MAGIC_SIGNATURE_H
#define CATALOG_MAGIC_SIGNATURE_H

#include "base/str.h"

enum { MAGIC_HEAD_BYTES = 8192, MAGIC_DETAIL_MAX = 48 };

typedef struct MagicSignature {
    const char *format;            /* static: "netcdf" */
    const char *mime;              /* static, or of an OpenDocument file its own, in mime_room */
    char detail[MAGIC_DETAIL_MAX]; /* "64-bit offset", or "" */
    char mime_room[80];
    uint64_t directory_at; /* of a TIFF file whose first directory is not in the head: where it is; else 0 */
    bool big_endian, big_tiff;
} MagicSignature;

/* What `head`, the first bytes of a file (better all MAGIC_HEAD_BYTES), begins. False: nothing we know. */
bool magic_signature_match(Str head, MagicSignature *out);

/* For `directory_at`: `piece` is what stands there. */
void magic_signature_look_at_directory(Str piece, MagicSignature *signature);

#endif
