/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pathname -- paths as text: escape, hash, parents
 *
 * The kernel's paths are bytes, the catalogue's are text. Bytes that are not valid UTF-8 and the control
 * bytes 0x01-0x1f and 0x7f are written `\xHH` (two lower-case hexadecimal digits); a backslash is written
 * `\x5c` where `x` and two hexadecimal digits follow it, and stands for itself otherwise. So nearly every
 * path is its own text, no text holds a tab or a newline, and the bytes can always be had back: unescaping
 * the escaped bytes gives the bytes, whatever they are. Escaping a path is escaping its names.
 *
 * Below, `raw` is the kernel's bytes (none of them 0) and `text` the escaped form. A path is absolute; a
 * normal one has no `//`, no `.` and no `/` at its end, but for `/` itself.
 */
#ifndef CATALOG_PATHNAME_H
#define CATALOG_PATHNAME_H

#include "base/buf.h"

enum { PATHNAME_MAX = 1024 * 1024 }; /* bytes of a path's text; the kernel's own limit is per call */

/* The key of a path in the catalogue: MD5 of its text, in the order in which a uuid is printed. */
typedef struct PathHash {
    unsigned char bytes[16];
} PathHash;

/* The text of `raw`; `raw` itself when nothing needs an escape, else in the arena. */
Str pathname_escape(Arena *arena, Str raw);
void pathname_put_escaped(Buf *out, Str raw);

/* The bytes of `text`; `text` itself when it has no escapes. `\x00` is no escape: no path holds that byte. */
Str pathname_unescape(Arena *arena, Str text);

/*
 * Bring a path given by somebody into the normal form. Works on text and on raw bytes alike.
 *
 * ERR_USAGE  it is empty, not absolute, or has a part `..` or a byte 0
 * ERR_LIMIT  it is longer than PATHNAME_MAX bytes
 */
bool pathname_normalise(Arena *arena, Str path, Str *out, Err *err) ATTR_MUST_USE;
bool pathname_is_normal(Str path);

/*
 * The same of a path of a shard, in a record that somebody else wrote: bytes that are not text are escaped.
 *
 * ERR_USAGE  as above, or it has a control byte, or is not in `root`, which is a shard's
 * ERR_LIMIT  as above
 */
bool pathname_take(Arena *arena, Str given, Str root, Str *out, Err *err) ATTR_MUST_USE;

PathHash pathname_hash(Str text);

/*
 * The hashes of the directories above a normal path, root-most first, without `/` and without the path
 * itself: /g/data/x gives those of /g and /g/data. pathname_depth() says how many there are: 2.
 */
size_t pathname_depth(Str text);
void pathname_ancestors(Str text, PathHash *out);

/* Of a normal path: /g/data and x of /g/data/x; / and g of /g; nothing of /. They point into `path`. */
Str pathname_parent(Str path);
Str pathname_name(Str path);

/* The path of `name` in the directory `dir`. */
Str pathname_join(Arena *arena, Str dir, Str name);

/* Is `path` the directory `dir` or something below it? Both are normal. */
bool pathname_is_within(Str path, Str dir);

#endif
