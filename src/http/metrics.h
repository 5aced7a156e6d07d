/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http/metrics -- counters, gauges and histograms, registered in tables and printed for Prometheus
 *
 *     static const MetricDef defs[] = {
 *         {"strata_crawl_paths_total", METRIC_COUNTER, "Paths crawled.", "shard,kind"},
 *         {"strata_crawl_seconds", METRIC_HISTOGRAM, "Duration of a crawl.", "shard", .buckets = BUCKETS(0.1, 1, 10)},
 *     };
 *     Metric *all[COUNT_OF(defs)];
 *     metrics_register(metrics, defs, COUNT_OF(defs), all, err);
 *     MetricCell *cell = metric_cell(all[0], (const char *[]){"geo", "posix"});
 *     metric_add(cell, 1);
 *
 * A cell is one metric with one set of label values; look it up once and keep it, it lives as long as the registry.
 * Changing a cell is one relaxed atomic instruction (a histogram: three), from any thread.
 *
 * Limits: METRIC_LABELS_MAX labels a metric; METRIC_CELLS_MAX cells a metric, what is beyond shares one cell whose
 * label values are all "other", so that names from outside cannot fill the memory.
 *
 * Source: Prometheus text exposition format 0.0.4.
 */
#ifndef HTTP_METRICS_H
#define HTTP_METRICS_H

#include "base/buf.h"

typedef enum MetricType { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM } MetricType;

enum { METRIC_LABELS_MAX = 6, METRIC_CELLS_MAX = 2000 };

typedef struct MetricDef {
    const char *name; /* [a-z_][a-z0-9_]*; a counter ends in _total */
    MetricType type;
    const char *help;
    const char *labels;    /* "route,status", or NULL */
    const double *buckets; /* of a histogram: upper bounds, ascending */
    size_t bucket_count;
    double (*read)(
        void *context); /* a gauge or counter without labels whose value is asked for when it is printed */
    void *context;
} MetricDef;

#define BUCKETS(...) \
    (const double[]){__VA_ARGS__}, .bucket_count = sizeof((const double[]){__VA_ARGS__}) / sizeof(double)

typedef struct Metrics Metrics;
typedef struct Metric Metric;
typedef struct MetricCell MetricCell;

Metrics *metrics_new(void);
void metrics_free(Metrics *metrics);

/*
 * Add a table; out[i] becomes the metric of defs[i], when `out` is not NULL. The table must outlive the registry.
 *
 * ERR_BUG  a name, label or bucket is wrong, or the name is there already
 */
bool metrics_register(Metrics *metrics, const MetricDef *defs, size_t count, Metric **out,
                      Err *err) ATTR_MUST_USE;

/* The cell for these label values (NULL for a metric without labels), made at the first call. Takes a lock. */
MetricCell *metric_cell(Metric *metric, const char *const *values);

void metric_add(MetricCell *cell, double n); /* counter: n >= 0; gauge: any */
void metric_set(MetricCell *cell, double value);
void metric_observe(MetricCell *cell, double value); /* histogram */
double metric_value(const MetricCell *cell);         /* of a histogram: how often observed */

/* Everything, as text. */
void metrics_print(Metrics *metrics, Buf *out);

#endif
