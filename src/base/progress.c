/* SPDX-License-Identifier: Apache-2.0 */
#include "base/progress.h"

#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/lock.h"
#include "base/os.h"
#include "base/quantity.h"
#include "base/term.h"

enum { BAR_COLUMNS = 24 };

static const Duration draw_every = MILLISECONDS(100);
static const Duration first_line_after = SECONDS(2), line_at_most_every = SECONDS(60);

struct Progress {
    ProgressTask task;
    bool terminal;
    atomic_llong done, total;
    Duration began;
    /* Of the drawing thread, under the lock. */
    pthread_mutex_t mutex;
    pthread_cond_t ended_cond;
    pthread_t thread;
    bool ended, drawn, threaded;
    int lines;   /* plain ones so far */
    double rate; /* smoothed */
    int64_t last_done;
    Duration last_at;
};

/* ---- the line ---- */

static void put_amount(const ProgressView *view, double amount, Buf *out)
{
    char text[QUANTITY_TEXT_MAX];

    if (view->unit)
        buf_put(out, quantity_format_count(amount, text));
    else
        buf_put(out, quantity_format_bytes((int64_t)amount, text));
}

static void put_done(const ProgressView *view, Buf *out)
{
    put_amount(view, (double)view->done, out);
    if (view->total > 0) {
        buf_put_z(out, " of ");
        put_amount(view, (double)view->total, out);
    }
    if (view->unit)
        buf_printf(out, " %s", view->unit);
}

static void put_rate(const ProgressView *view, Buf *out)
{
    buf_put_z(out, ", ");
    put_amount(view, view->rate, out);
    buf_put_z(out, "/s");
}

/* How long it still takes, or has taken so far when nobody knows how much there is. */
static void put_left(const ProgressView *view, Buf *out)
{
    char text[QUANTITY_TEXT_MAX];
    int64_t left = view->total - view->done;

    if (view->total > 0 && left > 0 && view->rate > 0 && (double)left / view->rate < 1e9) {
        Duration seconds = SECONDS((int64_t)((double)left / view->rate) + 1);

        buf_printf(out, ", %.*s left", STR_ARG(quantity_format_duration(seconds, text)));
    } else if (view->total <= 0) {
        Duration seconds = view->elapsed - view->elapsed % SECONDS(1);

        buf_printf(out, ", %.*s",
                   STR_ARG(quantity_format_duration(seconds < SECONDS(1) ? SECONDS(1) : seconds, text)));
    }
}

static void put_bar(const ProgressView *view, Buf *out)
{
    double part = (double)view->done / (double)view->total;
    int full = part >= 1 ? BAR_COLUMNS : (int)(part * BAR_COLUMNS);

    buf_put_z(out, "  [");
    for (int i = 0; i < BAR_COLUMNS; i++)
        buf_put_byte(out, i < full ? '#' : '.');
    buf_printf(out, "] %3d%%", part >= 1 ? 100 : (int)(part * 100));
}

static bool put_if_fits(Buf *line, const Buf *more, int columns)
{
    if (term_width(buf_str(line)) + term_width(buf_str(more)) > columns)
        return false;
    buf_put(line, buf_str(more));
    return true;
}

void progress_put_line(const ProgressView *view, int columns, Buf *out)
{
    BUF_SCOPE(line);
    BUF_SCOPE(facts);
    BUF_SCOPE(bar);
    BUF_SCOPE(rate);
    BUF_SCOPE(left);

    buf_put_z(&line, view->what);
    buf_put_z(&facts, "  ");
    put_done(view, &facts);
    put_rate(view, &rate);
    put_left(view, &left);
    if (view->total > 0)
        put_bar(view, &bar);

    int wanted = term_width(buf_str(&facts)) + term_width(buf_str(&rate)) + term_width(buf_str(&left));

    (void)put_if_fits(&line, &bar, columns - wanted);
    if (put_if_fits(&line, &facts, columns) && put_if_fits(&line, &left, columns))
        (void)put_if_fits(&line, &rate, columns);
    buf_put(out, term_fit(buf_str(&line), columns));
}

/* ---- drawing ---- */

static void print(const Progress *progress, const Buf *text)
{
    Err err = {0};

    if (!os_write_all(progress->task.fd, buf_str(text), &err))
        return; /* nobody looks any more; the work itself goes on */
}

static ProgressView look(Progress *progress)
{
    Duration now = time_monotonic(), step = now - progress->last_at;
    int64_t done = atomic_load(&progress->done);

    /* The rate of the last seconds counts, and of the whole only at the start. */
    if (step > 0) {
        const double memory_seconds = 3;
        double seconds = (double)step / 1e6, fresh = (double)(done - progress->last_done) / seconds;
        double weight = progress->rate == 0 ? 1 : seconds / (seconds + memory_seconds);

        progress->rate += weight * (fresh - progress->rate);
        progress->last_done = done;
        progress->last_at = now;
    }
    return (ProgressView){progress->task.what,           progress->task.unit, done,
                          atomic_load(&progress->total), progress->rate,      now - progress->began};
}

static void draw(Progress *progress)
{
    ProgressView view = look(progress);
    BUF_SCOPE(text);

    buf_put_z(&text, "\r");
    progress_put_line(&view, term_columns(progress->task.fd) - 1, &text);
    buf_put_z(&text, "\033[K");
    print(progress, &text);
    progress->drawn = true;
}

static void undraw(Progress *progress)
{
    BUF_SCOPE(text);

    if (!progress->drawn)
        return;
    buf_put_z(&text, "\r\033[K");
    print(progress, &text);
    progress->drawn = false;
}

static void print_line(Progress *progress, bool last)
{
    ProgressView view = look(progress);
    char took[QUANTITY_TEXT_MAX];
    BUF_SCOPE(text);

    buf_printf(&text, "%s: ", view.what);
    put_done(&view, &text);
    if (last) {
        buf_printf(&text, " in %.*s", STR_ARG(quantity_format_duration(view.elapsed, took)));
    } else {
        put_rate(&view, &text);
        put_left(&view, &text);
    }
    buf_put_byte(&text, '\n');
    print(progress, &text);
    progress->lines++;
}

static void wait_until(Progress *progress, Duration at)
{
    struct timespec until = {.tv_sec = at / SECONDS(1), .tv_nsec = at % SECONDS(1) * 1000};

    while (!progress->ended && time_monotonic() < at)
        (void)pthread_cond_timedwait(&progress->ended_cond, &progress->mutex, &until);
}

static void *run_thread(void *progress_v)
{
    Progress *progress = progress_v;
    LOCK_SCOPE(held, &progress->mutex);
    Duration every = progress->terminal ? draw_every : first_line_after;

    for (;;) {
        wait_until(progress, time_monotonic() + every);
        if (progress->ended)
            return NULL;
        if (progress->terminal) {
            draw(progress);
            continue;
        }
        print_line(progress, false);
        every = every * 2 > line_at_most_every ? line_at_most_every : every * 2;
    }
}

/* ---- life ---- */

/* Signals are for the threads that work: theirs are the calls that a signal shall interrupt. */
static bool start_thread(Progress *progress)
{
    sigset_t all, before;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_BLOCK, &all, &before);
    bool started = pthread_create(&progress->thread, NULL, run_thread, progress) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

static void init_clock(Progress *progress)
{
    pthread_condattr_t attr;

    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&progress->ended_cond, &attr);
    (void)pthread_condattr_destroy(&attr);
    (void)pthread_mutex_init(&progress->mutex, NULL);
}

Progress *progress_begin(Arena *arena, ProgressTask task)
{
    if (task.off)
        return NULL;
    Progress *progress = arena_new(arena, Progress, 1);

    task.what = str_to_z(arena, str_from_z(task.what));
    task.unit = task.unit ? str_to_z(arena, str_from_z(task.unit)) : NULL;
    progress->task = task;
    progress->terminal = term_is_tty(task.fd) && term_can_redraw();
    progress->began = progress->last_at = time_monotonic();
    atomic_store(&progress->total, task.total);
    init_clock(progress);
    /* Without a thread nothing is shown, and the work is done all the same. */
    progress->threaded = start_thread(progress);
    return progress;
}

void progress_add(Progress *progress, int64_t count)
{
    if (progress)
        (void)atomic_fetch_add_explicit(&progress->done, count, memory_order_relaxed);
}

void progress_set_total(Progress *progress, int64_t total)
{
    if (progress)
        atomic_store_explicit(&progress->total, total, memory_order_relaxed);
}

void progress_note(Progress *progress, const char *fmt, ...)
{
    va_list args;
    char *note = NULL;
    BUF_SCOPE(text);

    if (!progress)
        return;
    va_start(args, fmt);
    int len = vasprintf(&note, fmt, args);
    va_end(args);
    if (len < 0)
        return;
    buf_printf(&text, "%s\n", note);
    free(note);
    LOCK_SCOPE(held, &progress->mutex);
    undraw(progress);
    print(progress, &text);
}

void progress_end(Progress *progress)
{
    if (!progress)
        return;
    {
        LOCK_SCOPE(held, &progress->mutex);
        progress->ended = true;
        (void)pthread_cond_signal(&progress->ended_cond);
    }
    if (progress->threaded)
        (void)pthread_join(progress->thread, NULL);
    undraw(progress);
    if (progress->lines)
        print_line(progress, true);
    (void)pthread_cond_destroy(&progress->ended_cond);
    (void)pthread_mutex_destroy(&progress->mutex);
}
