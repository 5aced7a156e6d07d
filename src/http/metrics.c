/* SPDX-License-Identifier: Apache-2.0 */
#include "http/metrics.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/lock.h"
#include "base/map.h"

/* Values are doubles, kept as their bits so that they can be changed atomically. */
typedef atomic_uint_fast64_t Cell64;

struct MetricCell {
    const MetricDef *def;
    const char *labels; /* `{a="x",b="y"}` without the brackets, escaped; or "" */
    Cell64 value;       /* of a histogram: the sum */
    Cell64 *buckets;    /* counts, not cumulative; one more than the bounds, for +Inf */
    MetricCell *next;
};

struct Metric {
    const MetricDef *def;
    Metrics *metrics;
    Map by_labels;
    MetricCell *cells, **end;
    MetricCell *other; /* for all that is over METRIC_CELLS_MAX */
    Metric *next;
};

struct Metrics {
    Arena arena;
    Metric *all, **end;
    pthread_mutex_t lock; /* of the lists and maps; values are atomic */
};

Metrics *metrics_new(void)
{
    Arena arena = {0};
    Metrics *metrics = arena_new(&arena, Metrics, 1);

    metrics->arena = arena;
    metrics->end = &metrics->all;
    (void)pthread_mutex_init(&metrics->lock, NULL);
    return metrics;
}

void metrics_free(Metrics *metrics)
{
    (void)pthread_mutex_destroy(&metrics->lock);

    Arena arena = metrics->arena;
    arena_free(&arena);
}

static bool is_name(Str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];

        if (!((c >= 'a' && c <= 'z') || c == '_' || (i && c >= '0' && c <= '9')))
            return false;
    }
    return name.len > 0;
}

static bool check_labels(const MetricDef *def, Err *err)
{
    Str rest = str_from_z(def->labels);
    int count = 0;

    while (rest.len) {
        Str label;

        rest = str_cut(rest, ',', &label);
        if (!is_name(label) || str_eq_z(label, "le") || ++count > METRIC_LABELS_MAX)
            return err_set(err, ERR_BUG, "metric '%s' has a wrong label: '%.*s'", def->name, STR_ARG(label));
    }
    return !(count && def->read) || err_set(err, ERR_BUG, "metric '%s' is read, so has no labels", def->name);
}

static bool check_def(const Metrics *metrics, const MetricDef *def, Err *err)
{
    Str name = str_from_z(def->name);

    if (!is_name(name) || str_ends(name, STR("_total")) != (def->type == METRIC_COUNTER))
        return err_set(err, ERR_BUG, "metric '%s' has a wrong name: counters, and only they, end in _total",
                       def->name);
    if ((def->type == METRIC_HISTOGRAM) != (def->bucket_count > 0))
        return err_set(err, ERR_BUG, "metric '%s': histograms, and only they, have buckets", def->name);
    for (size_t i = 1; i < def->bucket_count; i++)
        if (!(def->buckets[i] > def->buckets[i - 1]))
            return err_set(err, ERR_BUG, "metric '%s': bounds must grow", def->name);
    for (const Metric *other = metrics->all; other; other = other->next)
        if (str_eq_z(name, other->def->name))
            return err_set(err, ERR_BUG, "metric '%s' is there already", def->name);
    return check_labels(def, err);
}

static MetricCell *add_cell(Metric *metric, const char *labels)
{
    Arena *arena = &metric->metrics->arena;
    MetricCell *cell = arena_new(arena, MetricCell, 1);

    cell->def = metric->def;
    cell->labels = labels;
    if (metric->def->type == METRIC_HISTOGRAM)
        cell->buckets = arena_new(arena, Cell64, metric->def->bucket_count + 1);
    *metric->end = cell;
    metric->end = &cell->next;
    return cell;
}

static Metric *add_metric(Metrics *metrics, const MetricDef *def)
{
    Metric *metric = arena_new(&metrics->arena, Metric, 1);

    metric->def = def;
    metric->metrics = metrics;
    metric->end = &metric->cells;
    if (!def->labels) /* shown from the start, with 0 */
        metric->other = add_cell(metric, "");
    *metrics->end = metric;
    metrics->end = &metric->next;
    return metric;
}

bool metrics_register(Metrics *metrics, const MetricDef *defs, size_t count, Metric **out, Err *err)
{
    LOCK_SCOPE(held, &metrics->lock);

    for (size_t i = 0; i < count; i++) {
        if (!check_def(metrics, &defs[i], err))
            return false;
        Metric *metric = add_metric(metrics, &defs[i]);
        if (out)
            out[i] = metric;
    }
    return true;
}

static void put_escaped(Buf *buf, const char *text, bool quotes)
{
    for (const char *c = text; *c; c++) {
        if (*c == '\n')
            buf_put_z(buf, "\\n");
        else if (*c == '\\' || (quotes && *c == '"'))
            buf_printf(buf, "\\%c", *c);
        else
            buf_put_byte(buf, *c);
    }
}

/* `values` NULL stands for "other" in each. */
static void put_labels(Buf *buf, const char *names, const char *const *values)
{
    Str rest = str_from_z(names);

    for (size_t i = 0; rest.len; i++) {
        Str name;

        rest = str_cut(rest, ',', &name);
        buf_printf(buf, "%s%.*s=\"", i ? "," : "", STR_ARG(name));
        put_escaped(buf, values ? values[i] : "other", true);
        buf_put_byte(buf, '"');
    }
}

static MetricCell *cell_by_labels(Metric *metric, Str labels)
{
    Arena *arena = &metric->metrics->arena;
    void **slot = map_slot(&metric->by_labels, arena, labels);

    if (!*slot)
        *slot = add_cell(metric, str_copy(arena, labels).ptr);
    return *slot;
}

MetricCell *metric_cell(Metric *metric, const char *const *values)
{
    BUF_SCOPE(labels);
    LOCK_SCOPE(held, &metric->metrics->lock);

    if (!metric->def->labels)
        return metric->other;
    put_labels(&labels, metric->def->labels, values);
    MetricCell *known = map_get(&metric->by_labels, buf_str(&labels));
    if (known)
        return known;
    if (metric->by_labels.count >= METRIC_CELLS_MAX) {
        buf_reset(&labels);
        put_labels(&labels, metric->def->labels, NULL);
    }
    return cell_by_labels(metric, buf_str(&labels));
}

static uint64_t to_bits(double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static double from_bits(uint64_t bits)
{
    double value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

void metric_add(MetricCell *cell, double n)
{
    uint64_t old = atomic_load_explicit(&cell->value, memory_order_relaxed);

    while (!atomic_compare_exchange_weak_explicit(&cell->value, &old, to_bits(from_bits(old) + n),
                                                  memory_order_relaxed, memory_order_relaxed))
        ;
}

void metric_set(MetricCell *cell, double value)
{
    atomic_store_explicit(&cell->value, to_bits(value), memory_order_relaxed);
}

void metric_observe(MetricCell *cell, double value)
{
    size_t i = 0;

    while (i < cell->def->bucket_count && value > cell->def->buckets[i])
        i++;
    atomic_fetch_add_explicit(&cell->buckets[i], 1, memory_order_relaxed);
    metric_add(cell, value);
}

double metric_value(const MetricCell *cell)
{
    double count = 0;

    if (cell->def->type != METRIC_HISTOGRAM)
        return from_bits(atomic_load_explicit(&cell->value, memory_order_relaxed));
    for (size_t i = 0; i <= cell->def->bucket_count; i++)
        count += (double)atomic_load_explicit(&cell->buckets[i], memory_order_relaxed);
    return count;
}

static void put_number(Buf *buf, double value)
{
    char text[32];

    if (isnan(value))
        buf_put_z(buf, "NaN");
    else if (isinf(value))
        buf_put_z(buf, value > 0 ? "+Inf" : "-Inf");
    else {
        for (int digits = 6; digits <= 17; digits++) {
            (void)snprintf(text, sizeof text, "%.*g", digits, value);
            if (strtod(text, NULL) == value)
                break;
        }
        buf_put_z(buf, text);
    }
}

static void put_sample(Buf *buf, const MetricCell *cell, const char *suffix, const char *bound, double value)
{
    buf_printf(buf, "%s%s", cell->def->name, suffix);
    if (*cell->labels || bound)
        buf_printf(buf, "{%s%s", cell->labels, bound && *cell->labels ? "," : "");
    if (bound)
        buf_printf(buf, "le=\"%s\"", bound);
    if (*cell->labels || bound)
        buf_put_byte(buf, '}');
    buf_put_byte(buf, ' ');
    put_number(buf, value);
    buf_put_byte(buf, '\n');
}

static void print_histogram(Buf *out, const MetricCell *cell)
{
    double count = 0;

    for (size_t i = 0; i <= cell->def->bucket_count; i++) {
        char bound[32] = "+Inf";

        if (i < cell->def->bucket_count)
            (void)snprintf(bound, sizeof bound, "%.12g", cell->def->buckets[i]);
        count += (double)atomic_load_explicit(&cell->buckets[i], memory_order_relaxed);
        put_sample(out, cell, "_bucket", bound, count);
    }
    put_sample(out, cell, "_sum", NULL, from_bits(atomic_load_explicit(&cell->value, memory_order_relaxed)));
    put_sample(out, cell, "_count", NULL, count);
}

static void print_metric(Buf *out, const Metric *metric)
{
    static const char *const types[] = {"counter", "gauge", "histogram"};
    const MetricDef *def = metric->def;

    buf_printf(out, "# HELP %s ", def->name);
    put_escaped(out, def->help, false);
    buf_printf(out, "\n# TYPE %s %s\n", def->name, types[def->type]);
    for (MetricCell *cell = metric->cells; cell; cell = cell->next) {
        if (def->read)
            metric_set(cell, def->read(def->context));
        if (def->type == METRIC_HISTOGRAM)
            print_histogram(out, cell);
        else
            put_sample(out, cell, "", NULL, metric_value(cell));
    }
}

void metrics_print(Metrics *metrics, Buf *out)
{
    LOCK_SCOPE(held, &metrics->lock);

    for (const Metric *metric = metrics->all; metric; metric = metric->next)
        print_metric(out, metric);
}
