/* SPDX-License-Identifier: Apache-2.0 */
/* The reader that gives files to strata-extract processes. */
#include <stdlib.h>

#include "base/json.h"
#include "catalog/content_work.h"
#include "catalog/extract.h"
#include "catalog/record.h"

typedef struct Gdal {
    ContentWork *work;
    Arena arena;
    ExtractPool *pool;
    DatasetReader *datasets;
    Batch *batch;
} Gdal;

/* A file under way; freed when it is answered. */
typedef struct Tag {
    ContentFile file; /* its path behind it */
    char path[];
} Tag;

/* A file that had a record and is no such data any more gets one without datasets. */
static Str nothing_left(Arena *arena, const ContentFile *file)
{
    BUF_SCOPE(json);

    buf_put_z(&json, "{\"filename\":");
    BUF_SCOPE(quoted);
    json_put_quoted(&quoted, file->path);
    buf_put(&json, buf_str(&quoted));
    buf_put_z(&json, ",\"geo_metadata\":[]}");
    return str_copy(arena, buf_str(&json));
}

static bool put_answer(Gdal *gdal, const ContentFile *file, const ExtractAnswer *answer, Err *err)
{
    ARENA_SCOPE(scratch);
    const DatasetList *datasets = NULL;
    Str json = answer->outcome == EXTRACT_FOUND ? answer->record : (Str){0};
    bool failed = answer->outcome == EXTRACT_FAILED;
    Err why = {0};

    if (json.len &&
        !dataset_parse(gdal->datasets, batch_arena(gdal->batch), file->path, json, &datasets, &why)) {
        if (!record_is_bad(&why)) {
            *err = why;
            return false;
        }
        problem_note(gdal->work->problems, file->path, "%s", why.text);
        json = (Str){0};
        failed = true;
    }
    if (answer->problem.len && answer->outcome != EXTRACT_NO_DATA)
        problem_note(gdal->work->problems, file->path, "%.*s", STR_ARG(answer->problem));
    if (answer->outcome == EXTRACT_KILLED)
        return true; /* not noted as looked at: the next crawl tries again */
    if (json.len == 0 && file->has_record)
        json = nothing_left(&scratch, file);
    return content_put(gdal->work, &gdal->batch, file, json, datasets, failed, err);
}

static bool done(void *gdal_v, const ExtractAnswer *answer, Err *err)
{
    Tag *tag = answer->tag;
    bool ok = put_answer(gdal_v, &tag->file, answer, err);

    free(tag);
    return ok;
}

static bool open(ContentWork *work, Err *err)
{
    Gdal *gdal = arena_new(work->arena, Gdal, 1);

    gdal->work = work;
    gdal->batch = batch_new();
    work->state = gdal;
    if (extract_open(&gdal->arena,
                     &(ExtractOptions){.done = done,
                                       .ctx = gdal,
                                       .workers = work->options->threads,
                                       .rules = work->options->rules,
                                       .stats = work->options->stats},
                     &gdal->pool, err) &&
        dataset_reader_open(&gdal->arena, work->options->conninfo, work->options->shard, &gdal->datasets,
                            err))
        return true;
    batch_free(gdal->batch);
    arena_free(&gdal->arena);
    return false;
}

static bool submit(ContentWork *work, const ContentFile *file, Err *err)
{
    Gdal *gdal = work->state;
    ARENA_SCOPE(scratch);
    Tag *tag = malloc(sizeof *tag + file->path.len);

    if (!tag)
        abort();
    tag->file = *file;
    memcpy(tag->path, file->path.ptr, file->path.len);
    tag->file.path.ptr = tag->path;
    if (extract_submit(gdal->pool, pathname_unescape(&scratch, file->path), tag, err))
        return true;
    if (err->code != ERR_LIMIT)
        return false;
    free(tag);
    problem_note(work->problems, file->path, "%s", err->text);
    return true;
}

static bool close(ContentWork *work, Err *err)
{
    Gdal *gdal = work->state;
    bool ok = extract_drain(gdal->pool, err) && loader_give(work->loader, &gdal->batch, err);

    extract_close(gdal->pool);
    /* The batches that were given hold what the dataset reader knows. */
    Err later = {0};
    if (!loader_drain(work->loader, ok ? err : &later))
        ok = false;
    batch_free(gdal->batch);
    arena_free(&gdal->arena);
    return ok;
}

const ContentReader content_reader_gdal = {.open = open, .submit = submit, .close = close};
