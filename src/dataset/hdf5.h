/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dataset/hdf5 -- libhdf5, loaded when it is needed: bound to the program it would double the time that every command takes to start
 *
 *     if (!hdf5_load(err))
 *         return false;
 *     ... h5.H5Fopen(...) ... *h5.H5T_C_S1_g ...
 *
 * One thread at a time. Constants that call the library (H5F_ACC_RDONLY) are written as numbers by those who use them.
 */
#ifndef DATASET_HDF5_H
#define DATASET_HDF5_H

#include <H5public.h>

#include <H5Apublic.h>
#include <H5Dpublic.h>
#include <H5Epublic.h>
#include <H5Fpublic.h>
#include <H5Gpublic.h>
#include <H5Lpublic.h>
#include <H5Ppublic.h>
#include <H5Spublic.h>
#include <H5Tpublic.h>

#include "base/err.h"

typedef struct Hdf5Library {
#define X(name)    __typeof__(name) *name;
#define X_ID(name) hid_t *name;
#include "dataset/hdf5.def"
#undef X_ID
#undef X
} Hdf5Library;

extern Hdf5Library h5;

enum { HDF5_READ = 0 /* H5F_ACC_RDONLY */, HDF5_TRUNCATE = 2 /* H5F_ACC_TRUNC */ };

/* ERR_CONFIG: it is not here, or another version than this program was made for. */
bool hdf5_load(Err *err) ATTR_MUST_USE;

#endif
