/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Encrypted feeds by include/strata.h, for 43_c_api.py:
 *
 *     write DIR WORD...                   makes one, appends the words, prints its key and its reading key
 *     read DIR ADDRESS KEY READING        copies it; prints what is known of it and its blocks, before and after it has the reading key
 */
#include <stdio.h>
#include <strata.h>
#include <string.h>

static strata_error error;

static int fail(const char *what)
{
    fprintf(stderr, "%s: %s %s\n", what, error.name, error.message);
    return 1;
}

static void print_hex(const unsigned char bytes[STRATA_KEY_BYTES])
{
    for (int i = 0; i < STRATA_KEY_BYTES; i++)
        printf("%02x", bytes[i]);
    printf("\n");
}

static void parse_hex(const char *hex, unsigned char bytes[STRATA_KEY_BYTES])
{
    for (int i = 0; i < STRATA_KEY_BYTES; i++)
        (void)sscanf(hex + 2 * i, "%2hhx", &bytes[i]);
}

static int write_words(strata_store *store, char **words, int count)
{
    strata_feed *feed = strata_feed_create_encrypted(store, "diary", &error);
    unsigned char reading[STRATA_KEY_BYTES];
    strata_info info;

    if (!feed)
        return fail("create");
    for (int i = 0; i < count; i++) {
        strata_block block = {words[i], strlen(words[i])};

        if (!strata_feed_append(feed, &block, 1, STRATA_DURABLE, NULL, &error))
            return fail("append");
    }
    if (!strata_feed_reading_key(feed, reading, &error))
        return fail("reading key");
    strata_feed_info(feed, &info);
    print_hex(info.key);
    print_hex(reading);
    strata_feed_close(feed);
    return 0;
}

static int print_all(strata_store *store, const char *key)
{
    static const char *const names[] = {"plain", "encrypted", "unreadable"};
    strata_feed *feed = strata_feed_open(store, key, STRATA_READ, &error);
    strata_reading reading;
    strata_info info;

    if (!feed || !strata_feed_reading(feed, &reading, &error))
        return fail("open");
    printf("%s\n", names[reading]);
    strata_feed_info(feed, &info);
    for (uint64_t i = 0; i < info.length; i++) {
        void *bytes;
        size_t len;

        if (!strata_feed_get(feed, i, &bytes, &len, &error))
            return fail("get");
        for (size_t at = 0; at < len; at++)
            printf("%02x", ((const unsigned char *)bytes)[at]);
        printf("\n");
        strata_free(bytes);
    }
    strata_feed_close(feed);
    return 0;
}

static int copy_and_read(strata_store *store, const char *address, const char *key_hex,
                         const char *reading_hex)
{
    unsigned char key[STRATA_KEY_BYTES], reading[STRATA_KEY_BYTES];

    parse_hex(key_hex, key);
    parse_hex(reading_hex, reading);
    if (!strata_replicate(store, key_hex, &address, 1, NULL, &error))
        return fail("replicate");
    if (print_all(store, key_hex) != 0)
        return 1;
    if (!strata_add_reading_key(store, key, reading, &error))
        return fail("add");
    if (strata_add_reading_key(store, key, reading, &error) || strcmp(error.name, "CONFLICT") != 0)
        return fail("add again");
    return print_all(store, key_hex);
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    strata_store *store = strata_open(argv[2], NULL, &error);
    if (!store)
        return fail("open");
    int status = strcmp(argv[1], "write") == 0 ? write_words(store, argv + 3, argc - 3)
                 : argc == 6                   ? copy_and_read(store, argv[3], argv[4], argv[5])
                                               : print_all(store, argv[3]);
    strata_close(store);
    return status;
}
