/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/pathname.h"

#include "crypto/hash.h"

/* Printable ASCII without the backslash stands for itself whatever is around it. */
static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x7f && c != '\\';
}

/* How many bytes at the start need no second look; eight at a time, since names are nearly all plain. */
static size_t plain_prefix(Str s)
{
    const uint64_t ones = 0x0101010101010101u, high = 0x8080808080808080u;
    size_t at = 0;

    for (; s.len - at >= 8; at += 8) {
        uint64_t word, backslash, del;

        memcpy(&word, s.ptr + at, 8);
        backslash = word ^ (ones * '\\');
        del = word ^ (ones * 0x7f);
        if ((word | ((word - ones * 0x20) & ~word) | ((backslash - ones) & ~backslash) |
             ((del - ones) & ~del)) &
            high)
            break;
    }
    while (at < s.len && is_plain((unsigned char)s.ptr[at]))
        at++;
    return at;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte that `\xHH` at the start of `s` stands for, or -1. */
static int escape_at(Str s)
{
    if (s.len < 4 || s.ptr[0] != '\\' || s.ptr[1] != 'x')
        return -1;
    int high = hex_digit(s.ptr[2]), low = hex_digit(s.ptr[3]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/* How many bytes of `s`, which starts with one that is not plain, stand for themselves; 0: escape the first. */
static size_t verbatim_prefix(Str s)
{
    unsigned char first = (unsigned char)s.ptr[0];

    if (first == '\\')
        return escape_at(s) < 0;
    if (first < 0x80)
        return 0;
    /* One character: at most four bytes, so that a long text is not validated over and over. */
    for (size_t len = 2; len <= 4 && len <= s.len; len++)
        if (str_utf8_prefix(str_sub(s, 0, len)) == len)
            return len;
    return 0;
}

void pathname_put_escaped(Buf *out, Str raw)
{
    while (raw.len > 0) {
        size_t keep = plain_prefix(raw);

        if (keep == 0)
            keep = verbatim_prefix(raw);
        buf_put(out, str_sub(raw, 0, keep));
        if (keep == 0) {
            buf_put(out, STR("\\x"));
            buf_put_hex(out, raw.ptr, 1);
            keep = 1;
        }
        raw = str_sub(raw, keep, raw.len);
    }
}

Str pathname_escape(Arena *arena, Str raw)
{
    BUF_SCOPE(text);

    if (plain_prefix(raw) == raw.len)
        return raw;
    pathname_put_escaped(&text, raw);
    return text.len == raw.len ? raw : str_copy(arena, buf_str(&text));
}

Str pathname_unescape(Arena *arena, Str text)
{
    char *raw = NULL;
    size_t len = 0;

    if (text.len == 0 || !memchr(text.ptr, '\\', text.len))
        return text;
    raw = arena_new(arena, char, text.len + 1);
    for (size_t at = 0; at < text.len;) {
        int byte = escape_at(str_sub(text, at, text.len));

        raw[len++] = byte > 0 ? (char)byte : text.ptr[at];
        at += byte > 0 ? 4 : 1;
    }
    return (Str){raw, len};
}

bool pathname_is_normal(Str path)
{
    Str part, rest = str_sub(path, 1, path.len);

    if (path.len == 0 || path.len > PATHNAME_MAX || path.ptr[0] != '/' || memchr(path.ptr, '\0', path.len))
        return false;
    if (path.len == 1)
        return true;
    if (path.ptr[path.len - 1] == '/')
        return false;
    while (rest.len > 0) {
        rest = str_cut(rest, '/', &part);
        if (part.len == 0 || str_eq_z(part, ".") || str_eq_z(part, ".."))
            return false;
    }
    return true;
}

bool pathname_normalise(Arena *arena, Str path, Str *out, Err *err)
{
    Str part, rest = path;

    if (pathname_is_normal(path)) {
        *out = path;
        return true;
    }
    if (path.len > PATHNAME_MAX)
        return err_set(err, ERR_LIMIT, "a path of %zu bytes is longer than %d", path.len, PATHNAME_MAX);
    if (path.len == 0 || path.ptr[0] != '/')
        return err_set(err, ERR_USAGE, "'%.*s' is not an absolute path", STR_ARG(path));
    if (memchr(path.ptr, '\0', path.len))
        return err_set(err, ERR_USAGE, "the path '%.*s' holds a byte 0", STR_ARG(path));

    char *normal = arena_new(arena, char, path.len + 1);
    size_t len = 0;
    while (rest.len > 0) {
        rest = str_cut(rest, '/', &part);
        if (part.len == 0 || str_eq_z(part, "."))
            continue;
        if (str_eq_z(part, ".."))
            return err_set(err, ERR_USAGE, "the path '%.*s' has a part '..'", STR_ARG(path));
        normal[len++] = '/';
        memcpy(normal + len, part.ptr, part.len);
        len += part.len;
    }
    *out = len ? (Str){normal, len} : STR("/");
    return true;
}

bool pathname_take(Arena *arena, Str given, Str root, Str *out, Err *err)
{
    Str text = given, normal = {0};

    if (str_utf8_prefix(text) != text.len)
        text = pathname_escape(arena, text);
    if (!pathname_normalise(arena, text, &normal, err))
        return false;
    for (size_t i = 0; i < normal.len; i++)
        if ((unsigned char)normal.ptr[i] < ' ' || normal.ptr[i] == 0x7f)
            return err_set(err, ERR_USAGE, "the path has a control byte that is not escaped");
    if (!pathname_is_within(normal, root))
        return err_set(err, ERR_USAGE, "the path is not in '%.*s', the root of the shard", STR_ARG(root));
    *out = normal;
    return true;
}

PathHash pathname_hash(Str text)
{
    PathHash hash;

    hash_md5(text, hash.bytes);
    return hash;
}

size_t pathname_depth(Str text)
{
    size_t slashes = 0;

    for (size_t i = 1; i < text.len; i++)
        slashes += text.ptr[i] == '/';
    return slashes;
}

void pathname_ancestors(Str text, PathHash *out)
{
    for (size_t i = 1; i < text.len; i++)
        if (text.ptr[i] == '/')
            *out++ = pathname_hash(str_sub(text, 0, i));
}

Str pathname_parent(Str path)
{
    size_t slash = path.len;

    while (slash > 0 && path.ptr[slash - 1] != '/')
        slash--;
    if (path.len <= 1 || slash == 0)
        return str_sub(path, 0, 0);
    return str_sub(path, 0, slash == 1 ? 1 : slash - 1);
}

Str pathname_name(Str path)
{
    size_t slash = path.len;

    while (slash > 0 && path.ptr[slash - 1] != '/')
        slash--;
    return str_sub(path, slash, path.len);
}

Str pathname_join(Arena *arena, Str dir, Str name)
{
    size_t len = str_eq_z(dir, "/") ? 0 : dir.len;
    char *path = arena_new(arena, char, len + name.len + 2);

    memcpy(path, dir.ptr, len);
    path[len] = '/';
    if (name.len)
        memcpy(path + len + 1, name.ptr, name.len);
    return (Str){path, len + 1 + name.len};
}

bool pathname_is_within(Str path, Str dir)
{
    if (str_eq_z(dir, "/"))
        return path.len > 0 && path.ptr[0] == '/';
    if (path.len <= dir.len)
        return str_eq(path, dir);
    return str_starts(path, dir) && path.ptr[dir.len] == '/';
}
