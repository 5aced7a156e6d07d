/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server that bench/http/run measures: a 200-byte JSON answer on the event thread and on a worker, and a streamed
 * answer of as many bytes as asked. Prints its address, serves until its standard input ends.
 */
#include <stdio.h>
#include <unistd.h>

#include "http/server.h"

static void put_record(Reply *reply)
{
    JsonOut out = reply_json(reply);

    json_begin(&out, '{');
    json_key(&out, "path");
    json_z(&out, "/g/data/rs0/scenes/LS8_OLI_TIRS_NBAR_P54_GANBAR01-032_092_084_20150222/scene.nc");
    json_key(&out, "type");
    json_z(&out, "file");
    json_key(&out, "size");
    json_int(&out, 1234567890);
    json_key(&out, "mtime");
    json_z(&out, "2015-02-22T10:48:49Z");
    json_key(&out, "owner");
    json_z(&out, "somebody");
    json_key(&out, "group");
    json_z(&out, "everybody");
    json_end(&out, '}');
}

static bool answer(Request *request, Reply *reply, Err *err)
{
    (void)request, (void)err;
    put_record(reply);
    return true;
}

/* Rows as a list of files has them, cheap to make, so that the sending is what is measured. */
static bool stream(Request *request, Reply *reply, Err *err)
{
    int64_t bytes = arg_number(request, "bytes");

    reply->type = "application/x-ndjson";
    for (int64_t row = 0; bytes > 0; row++) {
        size_t before = reply->body.len;

        buf_put(&reply->body,
                STR("{\"path\":\"/g/data/rs0/scenes/LS8_OLI_TIRS_NBAR_P54_GANBAR01-032_092_084_"));
        buf_put_int(&reply->body, row);
        buf_put(&reply->body, STR("/scene.nc\",\"type\":\"file\",\"owner\":\"somebody\",\"size\":"));
        buf_put_int(&reply->body, row * 104729);
        buf_put(&reply->body, STR("}\n"));
        bytes -= (int64_t)(reply->body.len - before);
        if (!reply_flush(reply, err))
            return false;
    }
    return true;
}

static const Route routes[] = {
    {"GET", "/inline", "A short answer from the event thread", .handler = answer, .inline_ok = true},
    {"GET", "/worker", "A short answer from a worker", .handler = answer},
    {"GET", "/stream", "A long answer",
     PARAMS({"bytes", PARAM_SIZE, .max = "10G", .default_text = "8M", .help = "How long."}),
     .handler = stream},
};

int main(int argc, char **argv)
{
    Err err = {0};
    ServerOptions options = {.listen = argc > 1 ? argv[1] : NULL};
    Server *server = server_new(&options, &err);
    char byte;

    if (!server || !server_mount(server, routes, COUNT_OF(routes), NULL, &err) ||
        !server_start(server, &err)) {
        (void)fprintf(stderr, "%s\n", err.text);
        return err_exit_status(err.code);
    }
    (void)printf("%s\n", server_url(server));
    (void)fflush(stdout);
    while (read(STDIN_FILENO, &byte, 1) > 0)
        ;
    server_stop(server);
    server_free(server);
    return 0;
}
