/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The MAS API alone, for bench/catalog/mas.sh and tests:  mas_serve DSN ADDRESS [compat]
 *
 * Prints its address, serves until its standard input ends.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "serve/mas.h"

int main(int argc, char **argv)
{
    Err err = {0};
    Mas *mas;
    char byte;

    if (argc < 3) {
        (void)fprintf(stderr, "usage: mas_serve DSN ADDRESS [compat]\n");
        return 2;
    }
    MasOptions options = {
        .reader = argv[1], .writer = argv[1], .compat = argc > 3 && strcmp(argv[3], "compat") == 0};
    Server *server = server_new(&(ServerOptions){.listen = argv[2]}, &err);
    if (!server || !mas_open(&options, &mas, &err)) {
        (void)fprintf(stderr, "%s\n", err.text);
        return err_exit_status(err.code);
    }
    mas_mount(server, mas);
    if (!server_start(server, &err)) {
        (void)fprintf(stderr, "%s\n", err.text);
        return err_exit_status(err.code);
    }
    (void)printf("%s\n", server_url(server));
    (void)fflush(stdout);
    while (read(STDIN_FILENO, &byte, 1) > 0)
        ;
    server_stop(server);
    server_free(server);
    mas_close(mas);
    return 0;
}
