/* SPDX-License-Identifier: Apache-2.0 */
#include "http/metrics.h"

#include <pthread.h>

#include "test/check.h"

static double seven(void *context)
{
    return *(double *)context;
}

static double number = 7;
static const MetricDef defs[] = {
    {"a_total", METRIC_COUNTER, "Things\nwith \\ lines.", "kind,place"},
    {"b", METRIC_GAUGE, "A gauge."},
    {"c_seconds", METRIC_HISTOGRAM, "Times.", "kind", BUCKETS(0.1, 1, 2.5)},
    {"d", METRIC_GAUGE, "Read.", .read = seven, .context = &number},
};

static void the_text_is_what_prometheus_reads(void)
{
    Metrics *metrics = metrics_new();
    Metric *all[COUNT_OF(defs)];
    Err err = {0};
    BUF_SCOPE(out);

    CHECK(metrics_register(metrics, defs, COUNT_OF(defs), all, &err));
    metric_add(metric_cell(all[0], (const char *[]){"x\"y\\\n", "p"}), 2);
    metric_set(metric_cell(all[1], NULL), -1.25);
    MetricCell *times = metric_cell(all[2], (const char *[]){"k"});
    metric_observe(times, 0.1);
    metric_observe(times, 2);
    metric_observe(times, 100);
    metrics_print(metrics, &out);
    CHECK(str_eq_z(buf_str(&out), "# HELP a_total Things\\nwith \\\\ lines.\n"
                                  "# TYPE a_total counter\n"
                                  "a_total{kind=\"x\\\"y\\\\\\n\",place=\"p\"} 2\n"
                                  "# HELP b A gauge.\n"
                                  "# TYPE b gauge\n"
                                  "b -1.25\n"
                                  "# HELP c_seconds Times.\n"
                                  "# TYPE c_seconds histogram\n"
                                  "c_seconds_bucket{kind=\"k\",le=\"0.1\"} 1\n"
                                  "c_seconds_bucket{kind=\"k\",le=\"1\"} 1\n"
                                  "c_seconds_bucket{kind=\"k\",le=\"2.5\"} 2\n"
                                  "c_seconds_bucket{kind=\"k\",le=\"+Inf\"} 3\n"
                                  "c_seconds_sum{kind=\"k\"} 102.1\n"
                                  "c_seconds_count{kind=\"k\"} 3\n"
                                  "# HELP d Read.\n"
                                  "# TYPE d gauge\n"
                                  "d 7\n"));
    metrics_free(metrics);
}

static const MetricDef wrong[] = {
    {"A", METRIC_GAUGE, ""},
    {"a", METRIC_COUNTER, ""},
    {"a_total", METRIC_GAUGE, ""},
    {"a", METRIC_HISTOGRAM, ""},
    {"a", METRIC_HISTOGRAM, "", .buckets = (const double[]){2, 1}, .bucket_count = 2},
    {"a", METRIC_GAUGE, "", "le"},
    {"a", METRIC_GAUGE, "", "x", .read = seven},
    {"b", METRIC_GAUGE, ""},
};

static void wrong_rows_are_refused(void)
{
    Metrics *metrics = metrics_new();
    Err err = {0};

    CHECK(metrics_register(metrics, defs, COUNT_OF(defs), NULL, &err));
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        CHECK(!metrics_register(metrics, &wrong[i], 1, NULL, &err) && err.code == ERR_BUG);
    metrics_free(metrics);
}

static void names_from_outside_cannot_fill_the_memory(void)
{
    Metrics *metrics = metrics_new();
    Metric *all[COUNT_OF(defs)];
    Err err = {0};
    char name[16];
    MetricCell *last = NULL;

    CHECK(metrics_register(metrics, defs, COUNT_OF(defs), all, &err));
    for (int i = 0; i < METRIC_CELLS_MAX + 10; i++) {
        (void)snprintf(name, sizeof name, "%d", i);
        last = metric_cell(all[0], (const char *[]){name, ""});
        metric_add(last, 1);
    }
    CHECK(metric_value(last) == 10);
    CHECK(last == metric_cell(all[0], (const char *[]){"other", "other"}));
    metrics_free(metrics);
}

static void *add_many(void *cell)
{
    for (int i = 0; i < 10000; i++)
        metric_add(cell, 1);
    return NULL;
}

static void nothing_is_lost_between_threads(void)
{
    Metrics *metrics = metrics_new();
    Metric *all[COUNT_OF(defs)];
    Err err = {0};
    pthread_t threads[4];

    CHECK(metrics_register(metrics, defs, COUNT_OF(defs), all, &err));
    MetricCell *cell = metric_cell(all[1], NULL);
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        CHECK(pthread_create(&threads[i], NULL, add_many, cell) == 0);
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    CHECK(metric_value(cell) == 40000);
    metrics_free(metrics);
}

int main(void)
{
    RUN(the_text_is_what_prometheus_reads);
    RUN(wrong_rows_are_refused);
    RUN(names_from_outside_cannot_fill_the_memory);
    RUN(nothing_is_lost_between_threads);
    DONE();
}
