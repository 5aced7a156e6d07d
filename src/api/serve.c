/* SPDX-License-Identifier: Apache-2.0 */
/* Serving all feeds of a store, for include/strata.h. */
#include "api/api.h"
#include "feed/serving.h"

typedef struct Caller {
    Serving *serving;
    bool (*until)(void *ctx);
    void *ctx;
} Caller;

static void on_tick(void *caller_v)
{
    Caller *caller = caller_v;

    if (caller->until(caller->ctx))
        serving_stop(caller->serving);
}

static bool serve(strata_store *store, const char *listen, void (*listening)(void *ctx, const char *address),
                  Caller *caller, Err *err)
{
    ServingOptions options = {.all = true, .notice = store->notice, .on_tick = on_tick, .ctx = caller};
    const char *address;
    SIGN_SCOPE(own);

    if (!keystore_node(store->keys, &own, err) ||
        !serving_open(store->feeds, &own, &options, &caller->serving, err))
        return false;
    bool ok = serving_listen(caller->serving, str_from_z(listen), &address, err);
    if (ok) {
        listening(caller->ctx, address);
        ok = serving_run(caller->serving, err);
    }
    serving_close(caller->serving);
    return ok;
}

bool strata_serve(strata_store *store, const char *listen, void (*listening)(void *ctx, const char *address),
                  bool (*until)(void *ctx), void *ctx, strata_error *error)
{
    Caller caller = {.until = until, .ctx = ctx};
    Err err = {0};

    return serve(store, listen, listening, &caller, &err) || api_fail(&err, error);
}
