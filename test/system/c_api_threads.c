/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many threads that append to one feed by include/strata.h, for 43_c_api.py:
 *
 *     threads DIR NAME plain|encrypted THREADS EACH     prints THREAD NUMBER FIRST of each append: two blocks "THREAD NUMBER a" and "b"
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <strata.h>
#include <string.h>

static strata_appender *appender;
static int each;

static void *append_all(void *number_v)
{
    int thread = *(int *)number_v;

    for (int i = 0; i < each; i++) {
        char text[2][40];
        strata_error error;
        uint64_t first;

        snprintf(text[0], sizeof text[0], "%d %d a", thread, i);
        snprintf(text[1], sizeof text[1], "%d %d b", thread, i);
        strata_block blocks[] = {{text[0], strlen(text[0])}, {text[1], strlen(text[1])}};
        if (!strata_appender_append(appender, blocks, 2, &first, &error)) {
            fprintf(stderr, "append: %s\n", error.message);
            exit(1);
        }
        printf("%d %d %llu\n", thread, i, (unsigned long long)first);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    strata_error error;
    strata_store *store = argc == 6 ? strata_open(argv[1], NULL, &error) : NULL;

    if (!store)
        return 2;
    strata_feed *feed = strcmp(argv[3], "plain") == 0 ? strata_feed_create(store, argv[2], &error)
                                                      : strata_feed_create_encrypted(store, argv[2], &error);
    int threads = atoi(argv[4]), numbers[64];
    pthread_t ids[64];

    each = atoi(argv[5]);
    appender = feed ? strata_appender_open(feed, &error) : NULL;
    if (!appender) {
        fprintf(stderr, "open: %s\n", error.message);
        return 1;
    }
    for (int i = 0; i < threads; i++) {
        numbers[i] = i;
        pthread_create(&ids[i], NULL, append_all, &numbers[i]);
    }
    for (int i = 0; i < threads; i++)
        pthread_join(ids[i], NULL);
    strata_appender_close(appender);
    strata_close(store);
    return 0;
}
