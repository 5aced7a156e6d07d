/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frame -- messages between the extractor and who runs it
 *
 * Both ways: a length (4 bytes, little endian, of all that follows), a kind (1 byte) and a payload.
 *
 *     to the extractor     P  a path, raw bytes
 *     from the extractor   H  hello: its version; once, when it is ready
 *                          E  it cannot start: a sentence; it ends after that
 *                          W  a sentence about the record that follows
 *                          R  the record, JSON: done with the path
 *                          N  no data in it: why; done
 *                          X  a problem: a sentence; done
 *
 * Paths are answered one after another in their order. The parent side is src/catalog/extract.c.
 */
#ifndef EXTRACT_FRAME_H
#define EXTRACT_FRAME_H

#include "base/buf.h"

/* Bytes of a path (Linux allows 4096) and of an answer, with their kind. */
enum { FRAME_PATH_MAX = 16 * 1024, FRAME_MAX = 64 << 20 };

/*
 * Read one frame; false with err->code ERR_NONE at the end of the stream.
 *
 * ERR_IO     reading failed, or the stream ended inside a frame
 * ERR_LIMIT  the frame is longer than `max`, or empty
 */
bool frame_read(int fd, size_t max, char *kind, Buf *payload, Err *err) ATTR_MUST_USE;

/* Write one frame in one piece. ERR_IO. */
bool frame_write(int fd, char kind, Str payload, Err *err) ATTR_MUST_USE;

#endif
