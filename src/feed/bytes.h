/* SPDX-License-Identifier: Apache-2.0 */
/* feed/bytes -- little-endian numbers in the files of a feed: base/bytes.h */
#ifndef FEED_BYTES_H
#define FEED_BYTES_H

#include "base/bytes.h"

#endif
