/* SPDX-License-Identifier: Apache-2.0 */
/* posix_json_bench FILE -- read and write the posix records of a plain crawl file, beside json-c */
#include <json-c/json.h>
#include <stdio.h>

#include "base/os.h"
#include "base/time.h"
#include "catalog/posix.h"

typedef struct Count {
    uint64_t lines, sum; /* of sizes, so that nothing is optimised away and all agree */
} Count;

static void read_ours(Str json, Arena *arena, Count *count)
{
    Err err = {0};
    PosixFacts facts;

    if (posix_parse(arena, json, &facts, &err))
        count->sum += facts.size;
    else
        (void)fprintf(stderr, "%s\n", err.text);
}

static void read_json_c(Str json, Arena *arena, Count *count)
{
    static struct json_tokener *tokener;
    struct json_object *size;

    (void)arena;
    if (!tokener)
        tokener = json_tokener_new();
    json_tokener_reset(tokener);
    struct json_object *object = json_tokener_parse_ex(tokener, json.ptr, (int)json.len);
    if (object && json_object_object_get_ex(object, "size", &size))
        count->sum += (uint64_t)json_object_get_int64(size);
    (void)json_object_put(object);
}

static Buf written;

static void write_ours(Str json, Arena *arena, Count *count)
{
    Err err = {0};
    PosixFacts facts;

    if (!posix_parse(arena, json, &facts, &err))
        return;
    buf_reset(&written);
    posix_put_json(&written, &facts);
    count->sum += facts.size;
}

static void measure(const char *what, Str text, void (*one)(Str, Arena *, Count *))
{
    ARENA_SCOPE(arena);
    Count count = {0};
    Duration started = time_monotonic();
    Str line, path, type;

    while (text.len > 0) {
        text = str_cut(text, '\n', &line);
        Str json = str_cut(str_cut(line, '\t', &path), '\t', &type);
        one(json, &arena, &count);
        arena_reset(&arena);
        count.lines++;
    }
    double seconds = (double)(time_monotonic() - started) / 1e6;
    (void)printf("%-24s %8.2f million/s, %llu lines, sum %llu\n", what, (double)count.lines / seconds / 1e6,
                 (unsigned long long)count.lines, (unsigned long long)count.sum);
}

int main(int argc, char **argv)
{
    Err err = {0};
    BUF_SCOPE(text);

    if (argc != 2 || !os_read_file(argv[1], (size_t)4 << 30, &text, &err)) {
        (void)fprintf(stderr, "usage: posix_json_bench FILE\n%s\n", err.text);
        return 2;
    }
    measure("read", buf_str(&text), read_ours);
    measure("read and write", buf_str(&text), write_ours);
    measure("read with json-c", buf_str(&text), read_json_c);
    buf_release(&written);
    return 0;
}
