/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What include/strata.h has against losing and forking feeds, for 43_c_api.py. Warnings go to standard error.
 *
 *     care append DIR KEY TEXT [PEER]     the number of the block
 *     care prove DIR KEY N FILE           care check - FILE: key, number, length and bytes
 *     care backup DIR KEY FILE            care restore DIR FILE NAME: the key
 *     care trust DIR KEY                  whether it was confirmed before
 *     care forks DIR KEY                  fork, length, here and there of each
 *     care serve DIR                      the address; until standard input ends
 *     care many DIR COUNT                 so many feeds, called f0 and so on, with a block each
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <strata.h>
#include <string.h>
#include <unistd.h>

static strata_error error;

static int fail(void)
{
    fprintf(stderr, "%s %s\n", error.name, error.message);
    return 1;
}

static void warn(void *ctx, const char *message)
{
    (void)ctx;
    fprintf(stderr, "warning: %s\n", message);
}

static void print_key(const unsigned char key[STRATA_KEY_BYTES])
{
    for (int i = 0; i < STRATA_KEY_BYTES; i++)
        printf("%02x", key[i]);
    printf("\n");
}

static int append(strata_store *store, char **args, int count)
{
    const char *peer = count > 2 ? args[2] : NULL;
    strata_block block = {args[1], strlen(args[1])};
    uint64_t first;

    if (peer && !strata_set_peers(store, &peer, 1, 30000, &error))
        return fail();
    strata_feed *feed = strata_feed_open(store, args[0], STRATA_WRITE, &error);
    if (!feed || !strata_feed_append(feed, &block, 1, STRATA_BUFFERED, &first, &error))
        return fail();
    printf("%llu\n", (unsigned long long)first);
    return 0;
}

static int prove(strata_store *store, char **args)
{
    strata_feed *feed = strata_feed_open(store, args[0], STRATA_READ, &error);
    FILE *file = fopen(args[2], "w");
    void *proof;
    size_t len;

    if (!feed || !strata_feed_prove(feed, strtoull(args[1], NULL, 10), &proof, &len, &error))
        return fail();
    fwrite(proof, 1, len, file);
    fclose(file);
    strata_free(proof);
    return 0;
}

static int check(const char *path)
{
    static char proof[100000];
    FILE *file = fopen(path, "r");
    size_t len = fread(proof, 1, sizeof proof, file);
    strata_proven proven;

    fclose(file);
    if (!strata_check_proof(proof, len, &proven, &error))
        return fail();
    printf("%llu %llu %llu %.*s\n", (unsigned long long)proven.block, (unsigned long long)proven.length,
           (unsigned long long)proven.fork, (int)proven.len, proof + proven.at);
    print_key(proven.key);
    return 0;
}

static int backup(strata_store *store, char **args)
{
    strata_feed *feed = strata_feed_open(store, args[0], STRATA_READ, &error);
    int fd = open(args[1], O_WRONLY | O_CREAT | O_TRUNC, 0600);

    if (!feed || !strata_feed_backup(feed, fd, &error))
        return fail();
    close(fd);
    return 0;
}

static int restore(strata_store *store, char **args)
{
    unsigned char key[STRATA_KEY_BYTES];
    int fd = open(args[0], O_RDONLY);

    if (!strata_restore(store, fd, args[1], key, &error))
        return fail();
    close(fd);
    print_key(key);
    return 0;
}

static int trust(strata_store *store, char **args)
{
    strata_feed *feed = strata_feed_open(store, args[0], STRATA_WRITE, &error);
    bool before, after;

    if (!feed || !strata_feed_confirmed(feed, &before, &error) || !strata_feed_trust(feed, &error) ||
        !strata_feed_confirmed(feed, &after, &error))
        return fail();
    printf("%d %d\n", before, after);
    return 0;
}

static int list_forks(strata_store *store, char **args)
{
    strata_feed *feed = strata_feed_open(store, args[0], STRATA_READ, &error);
    strata_fork *forks;
    size_t count;

    if (!feed || !strata_feed_forks(feed, &forks, &count, &error))
        return fail();
    for (size_t i = 0; i < count; i++)
        printf("%llu %llu %llu %llu %d\n", (unsigned long long)forks[i].fork,
               (unsigned long long)forks[i].length, (unsigned long long)forks[i].here,
               (unsigned long long)forks[i].there,
               memcmp(forks[i].root_here, forks[i].root_there, STRATA_KEY_BYTES) != 0);
    strata_free(forks);
    return 0;
}

static int make_many(strata_store *store, char **args)
{
    for (int i = 0; i < atoi(args[0]); i++) {
        char name[20];
        strata_block block = {name, 0};

        block.len = (size_t)snprintf(name, sizeof name, "f%d", i);
        strata_feed *feed = strata_feed_create(store, name, &error);
        if (!feed || !strata_feed_append(feed, &block, 1, STRATA_BUFFERED, NULL, &error))
            return fail();
        strata_feed_close(feed);
    }
    return 0;
}

static void say_address(void *ctx, const char *address)
{
    (void)ctx;
    printf("%s\n", address);
    fflush(stdout);
}

static bool input_has_ended(void *ctx)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};

    (void)ctx;
    return poll(&input, 1, 0) != 0;
}

int main(int argc, char **argv)
{
    char **args = argv + 3;

    if (argc < 3)
        return 2;
    if (strcmp(argv[1], "check") == 0)
        return check(args[0]);
    strata_store *store = strata_open(argv[2], NULL, &error);
    if (!store)
        return fail();
    strata_on_warning(store, warn, NULL);
    int status = strcmp(argv[1], "append") == 0    ? append(store, args, argc - 3)
                 : strcmp(argv[1], "prove") == 0   ? prove(store, args)
                 : strcmp(argv[1], "backup") == 0  ? backup(store, args)
                 : strcmp(argv[1], "restore") == 0 ? restore(store, args)
                 : strcmp(argv[1], "trust") == 0   ? trust(store, args)
                 : strcmp(argv[1], "forks") == 0   ? list_forks(store, args)
                 : strcmp(argv[1], "many") == 0    ? make_many(store, args)
                 : strata_serve(store, "127.0.0.1:0", say_address, input_has_ended, NULL, &error) ? 0
                                                                                                  : fail();
    strata_close(store);
    return status;
}
