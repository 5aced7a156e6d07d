/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a crawl file, plain or packed: lines come to an end, and each gives a record or a sentence. */
#include <assert.h>
#include <sys/mman.h>
#include <unistd.h>

#include "catalog/crawlfile_line.h"
#include "catalog/lines.h"
#include "catalog/posix.h"
#include "catalog/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take(Arena *arena, Str text)
{
    CrawlfileLine line = {0}, again = {0};
    PosixFacts facts;
    Err err = {0};

    if (!crawlfile_line_read(arena, text, STR("/"), &line, &err)) {
        assert(err.code == ERR_USAGE && err.text[0]);
        return;
    }
    assert(line.path.len > 0 && line.path.ptr[0] == '/' && str_utf8_prefix(line.path) == line.path.len);
    Str written =
        str_printf(arena, "%.*s\t%.*s\t%.*s", STR_ARG(line.path), STR_ARG(line.type), STR_ARG(line.json));
    if (written.len == line.path.len + line.type.len + line.json.len + 2) { /* no NUL inside */
        assert(crawlfile_line_read(arena, written, STR("/"), &again, &err));
        assert(str_eq(again.path, line.path) && str_eq(again.type, line.type) &&
               str_eq(again.json, line.json));
    }
    bool good = str_eq(line.type, STR("posix")) ? posix_parse(arena, line.json, &facts, &err)
                                                : record_json_check(line.json, &err);
    assert(good || err.text[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ARENA_SCOPE(arena);
    ARENA_SCOPE(scratch);
    Err err = {0};
    bool end = false;
    Str text;
    int fd = memfd_create("crawlfile", 0);

    if (fd < 0 || write(fd, data, size) != (ssize_t)size || lseek(fd, 0, SEEK_SET) != 0)
        return 0;
    Lines *lines = lines_new(&arena, fd, NULL);
    /* A bomb is not what is looked for: some megabytes of lines are enough. */
    for (int64_t bytes = 0; bytes < 4 << 20 && lines_next(lines, &text, &end, &err) && !end;
         bytes += (int64_t)text.len + 1) {
        arena_reset(&scratch);
        take(&scratch, text);
    }
    assert(lines_number(lines) >= 0 && lines_bytes(lines) <= (int64_t)size);
    (void)close(fd);
    return 0;
}
