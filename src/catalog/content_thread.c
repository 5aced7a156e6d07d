/* SPDX-License-Identifier: Apache-2.0 */
/* The readers that open files in threads: magic and checksum. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/lock.h"
#include "base/os.h"
#include "catalog/checksum.h"
#include "catalog/content_work.h"
#include "catalog/magic_look.h"

enum { QUEUE = 1024, THREADS_MAX = 64 };

/* Looks at one open file: true with a record in `json`, or with none in it; false with what is wrong. */
typedef bool LookFn(void *reader, int fd, Buf *json, Err *err);

typedef struct Reading {
    pthread_t thread;
    bool started;
    struct Threads *threads;
    Arena arena;
    void *reader; /* MagicReader or ChecksumReader */
    Batch *batch;
    Buf json;
} Reading;

typedef struct Threads {
    ContentWork *work;
    LookFn *look;
    ChecksumPace pace;
    int root; /* descriptor of / */
    Reading readings[THREADS_MAX];
    int count;

    pthread_mutex_t mutex; /* of all below */
    pthread_cond_t changed;
    ContentFile queue[QUEUE]; /* paths are malloc'ed */
    size_t first, queued;
    bool ending, failed;
    Err err;
} Threads;

bool content_put(ContentWork *work, Batch **batch, const ContentFile *file, Str json,
                 const DatasetList *datasets, bool failed, Err *err)
{
    const BatchLook look = {.file = pathname_hash(file->path),
                            .type = work->type,
                            .size = file->size,
                            .mtime = file->mtime,
                            .failed = failed};

    batch_add_look(*batch, &look);
    (void)atomic_fetch_add(&work->looked, 1);
    if (json.len) {
        batch_add(*batch,
                  &(BatchRecord){.path = file->path, .type = work->type, .json = json, .datasets = datasets});
        (void)atomic_fetch_add(&work->records, 1);
    }
    if (work->options->progress)
        work->options->progress(work->options->progress_ctx, 1);
    return !batch_is_full(*batch) || loader_give(work->loader, batch, err);
}

/* ---- the two readers ---- */

static bool look_magic(void *reader, int fd, Buf *json, Err *err)
{
    MagicFacts facts;

    if (!magic_look(reader, fd, &facts, err))
        return err->code == ERR_NOT_FOUND;
    magic_put_json(json, &facts);
    return true;
}

static bool look_checksum(void *reader, int fd, Buf *json, Err *err)
{
    ChecksumFacts facts;

    if (!checksum_file(reader, fd, &facts, err))
        return false;
    checksum_put_json(json, &facts);
    return true;
}

static bool make_magic(Threads *threads, Reading *reading, Err *err)
{
    MagicReader *reader;

    (void)threads;
    if (!magic_reader_new(&reading->arena, true, &reader, err))
        return false;
    reading->reader = reader;
    return true;
}

static bool make_checksum(Threads *threads, Reading *reading, Err *err)
{
    (void)err;
    reading->reader = checksum_reader_new(&reading->arena, &threads->pace);
    return true;
}

/* ---- threads ---- */

static bool next_file(Threads *threads, ContentFile *out)
{
    LOCK_SCOPE(held, &threads->mutex);

    while (threads->queued == 0 && !threads->ending)
        (void)pthread_cond_wait(&threads->changed, &threads->mutex);
    if (threads->queued == 0)
        return false;
    *out = threads->queue[threads->first];
    threads->first = (threads->first + 1) % QUEUE;
    threads->queued--;
    (void)pthread_cond_broadcast(&threads->changed);
    return true;
}

static bool read_file(Reading *reading, const ContentFile *file, Err *err)
{
    Threads *threads = reading->threads;
    ARENA_SCOPE(scratch);
    FD_SCOPE(fd);
    Str raw = pathname_unescape(&scratch, file->path);
    Err why = {0};

    buf_reset(&reading->json);
    bool ok = walk_open_file(threads->root, str_sub(raw, 1, raw.len), &fd, &why);
    if (!ok && why.code == ERR_NOT_FOUND)
        return true;
    ok = ok && threads->look(reading->reader, fd, &reading->json, &why);
    if (!ok && why.code == ERR_INTERRUPTED)
        return true;
    if (!ok) {
        problem_note(threads->work->problems, file->path, "%s", why.text);
        return true; /* not noted as looked at: the next crawl tries again */
    }
    return content_put(threads->work, &reading->batch, file, buf_str(&reading->json), NULL, false, err);
}

static void fail(Threads *threads, const Err *err)
{
    LOCK_SCOPE(held, &threads->mutex);

    if (!threads->failed)
        threads->err = *err;
    threads->failed = true;
    (void)pthread_cond_broadcast(&threads->changed);
}

static void *read_files(void *reading_v)
{
    Reading *reading = reading_v;
    ContentFile file;
    Err err = {0};
    bool ok = true;

    while (next_file(reading->threads, &file)) {
        ok = ok && read_file(reading, &file, &err);
        free((void *)(uintptr_t)file.path.ptr);
    }
    if (!ok || !loader_give(reading->threads->work->loader, &reading->batch, &err))
        fail(reading->threads, &err);
    return NULL;
}

static void stop_threads(Threads *threads)
{
    pthread_mutex_lock(&threads->mutex);
    threads->ending = true;
    (void)pthread_cond_broadcast(&threads->changed);
    pthread_mutex_unlock(&threads->mutex);
    for (int i = 0; i < threads->count; i++) {
        if (threads->readings[i].started)
            (void)pthread_join(threads->readings[i].thread, NULL);
        batch_free(threads->readings[i].batch);
        buf_release(&threads->readings[i].json);
        arena_free(&threads->readings[i].arena);
    }
    os_close(&threads->root);
}

static bool start_thread(Threads *threads, bool (*make)(Threads *, Reading *, Err *), Err *err)
{
    Reading *reading = &threads->readings[threads->count++];

    reading->threads = threads;
    reading->batch = batch_new();
    if (!make(threads, reading, err))
        return false;
    if (pthread_create(&reading->thread, NULL, read_files, reading) != 0)
        return err_sys(err, ERR_IO, "cannot start a thread");
    reading->started = true;
    return true;
}

static bool open_threads(ContentWork *work, LookFn *look, bool (*make)(Threads *, Reading *, Err *), Err *err)
{
    Threads *threads = arena_new(work->arena, Threads, 1);
    int count = work->options->threads > 0 ? work->options->threads : (int)sysconf(_SC_NPROCESSORS_ONLN);

    threads->work = work;
    threads->look = look;
    threads->pace = (ChecksumPace){.bytes_per_second = work->options->bytes_per_second,
                                   .stop = work->options->stop,
                                   .started = time_monotonic()};
    (void)pthread_mutex_init(&threads->mutex, NULL);
    (void)pthread_cond_init(&threads->changed, NULL);
    threads->root = os_open("/", O_RDONLY | O_DIRECTORY, 0);
    bool ok = threads->root >= 0 || err_sys(err, ERR_IO, "cannot open '/'");
    for (int i = 0; ok && i < count && i < THREADS_MAX; i++)
        ok = start_thread(threads, make, err);
    work->state = threads;
    if (!ok)
        stop_threads(threads);
    return ok;
}

static bool open_magic(ContentWork *work, Err *err)
{
    return open_threads(work, look_magic, make_magic, err);
}

static bool open_checksum(ContentWork *work, Err *err)
{
    return open_threads(work, look_checksum, make_checksum, err);
}

static bool submit(ContentWork *work, const ContentFile *file, Err *err)
{
    Threads *threads = work->state;
    LOCK_SCOPE(held, &threads->mutex);

    while (threads->queued == QUEUE && !threads->failed)
        (void)pthread_cond_wait(&threads->changed, &threads->mutex);
    if (threads->failed) {
        *err = threads->err;
        return false;
    }
    ContentFile copy = *file;
    char *path = malloc(file->path.len + 1);
    if (!path)
        abort();
    memcpy(path, file->path.ptr, file->path.len);
    copy.path.ptr = path;
    threads->queue[(threads->first + threads->queued++) % QUEUE] = copy;
    (void)pthread_cond_broadcast(&threads->changed);
    return true;
}

static bool close_threads(ContentWork *work, Err *err)
{
    Threads *threads = work->state;

    stop_threads(threads);
    if (threads->failed)
        *err = threads->err;
    return !threads->failed;
}

const ContentReader content_reader_magic = {.open = open_magic, .submit = submit, .close = close_threads};
const ContentReader content_reader_checksum = {
    .open = open_checksum, .submit = submit, .close = close_threads};
