/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gdal_env -- GDAL set up for reading unknown local files, and what it and its libraries say while they do
 *
 * Nothing is written beside the files (no .aux.xml, no .properties), nothing is fetched from the network:
 * drivers that talk to servers are taken out and virtual file systems that do are refused. What libraries
 * report through GDAL's error handler is collected here instead of reaching standard error.
 */
#ifndef EXTRACT_GDAL_ENV_H
#define EXTRACT_GDAL_ENV_H

#include "base/str.h"

/* Once a process, before anything else of GDAL. */
void gdal_env_open(void);
void gdal_env_close(void);

/* Forget what was reported so far. */
void gdal_noise_reset(void);

/* The reports since, joined by "; ", cut at NOISE_MAX bytes; empty when there were none. */
enum { NOISE_MAX = 512 };
Str gdal_noise(void);

/* A local file that could not be opened at all is no problem but simply no data: whether GDAL said so. */
bool gdal_noise_unrecognized(void);

/* Nor is one that a reader knows and finds nothing in, which some say by not opening it. */
bool gdal_noise_no_layers(void);

#endif
