/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dataset/fits_heap -- texts of any length in a binary table of FITS: they stand behind the rows, and a row says how long and where (FITS 4.0,
 * section 7.3.5)
 */
#ifndef DATASET_FITS_HEAP_H
#define DATASET_FITS_HEAP_H

#include "dataset/record.h"

typedef struct FitsHeap {
    int fd;            /* -1: not open */
    int64_t at, bytes; /* where it is in the file, and how long */
    Buf texts;         /* of the rows read last, each with a zero behind it */
} FitsHeap;

/* `at` and `bytes` are set. ERR_IO. */
bool fits_heap_open(FitsHeap *heap, const char *path, Err *err) ATTR_MUST_USE;
void fits_heap_release(FitsHeap *heap);

/*
 * Put into records, which are rows from `first` on, the addresses of their texts: fields that are STORED_POINTER, of 8 bytes (P) or 16 (Q). They stay until the
 * next rows.
 *
 * ERR_USAGE  a text is said to be where the heap is not
 * ERR_LIMIT  they are too long
 * ERR_IO     it cannot be read
 */
bool fits_heap_read(FitsHeap *heap, const RecordLayout *layout, int64_t first, int64_t count,
                    unsigned char *records, Err *err) ATTR_MUST_USE;

#endif
