/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feed -- a feed in a directory, by include/strata.h: what is on the command line is appended, and all of it is printed
 *
 *     cc feed.c -o feed -lstrata
 *     ./feed /tmp/example hello world
 *
 * Run again, it goes on with the same feed. `./feed DIR --from ADDRESS KEY` copies somebody else's.
 */
#include <stdio.h>
#include <string.h>
#include <strata.h>

static int fail(const strata_error *error)
{
    fprintf(stderr, "feed: %s\n", error->message);
    if (error->hint[0])
        fprintf(stderr, "hint: %s\n", error->hint);
    return error->code;
}

static bool print_all(strata_feed *feed, strata_error *error)
{
    strata_info info;

    strata_feed_info(feed, &info);
    for (int i = 0; i < STRATA_KEY_BYTES; i++)
        printf("%02x", info.key[i]);
    printf(" has %llu blocks:\n", (unsigned long long)info.length);
    for (uint64_t i = 0; i < info.length; i++) {
        void *bytes;
        size_t len;

        if (!strata_feed_get(feed, i, &bytes, &len, error))
            return false;
        printf("%llu %.*s\n", (unsigned long long)i, (int)len, (const char *)bytes);
        strata_free(bytes);
    }
    return strata_feed_verify(feed, NULL, error);
}

/* The feed called "example", made if there is none. */
static strata_feed *open_example(strata_store *store, strata_error *error)
{
    strata_feed *feed = strata_feed_open(store, "example", STRATA_WRITE, error);

    return feed || strcmp(error->name, "NOT_FOUND") != 0 ? feed : strata_feed_create(store, "example", error);
}

static bool append_words(strata_feed *feed, char **words, int count, strata_error *error)
{
    for (int i = 0; i < count; i++) {
        strata_block block = {words[i], strlen(words[i])};

        if (!strata_feed_append(feed, &block, 1, STRATA_DURABLE, NULL, error))
            return false;
    }
    return true;
}

static strata_feed *copy(strata_store *store, const char *address, const char *key, strata_error *error)
{
    return strata_replicate(store, key, &address, 1, NULL, error) ? strata_feed_open(store, key, STRATA_READ, error) : NULL;
}

int main(int argc, char **argv)
{
    strata_error error = {0};

    if (argc < 2) {
        fprintf(stderr, "usage: feed DIR [WORD...] | DIR --from ADDRESS KEY\n");
        return 2;
    }
    strata_store *store = strata_open(argv[1], NULL, &error);
    if (!store)
        return fail(&error);
    bool from = argc == 5 && strcmp(argv[2], "--from") == 0;
    strata_feed *feed = from ? copy(store, argv[3], argv[4], &error) : open_example(store, &error);
    bool ok = feed && (from || append_words(feed, argv + 2, argc - 2, &error)) && print_all(feed, &error);
    strata_close(store);
    return ok ? 0 : fail(&error);
}
