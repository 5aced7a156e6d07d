/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/dataset_routes.h"

#include "place/listing.h"
#include "serve/datasets.h"

static bool open_dataset(const Request *request, Dataset *dataset, Place **place, Err *err)
{
    const DatasetService *service = request->context;

    return datasets_find(service->instance, request->arena, arg_text(request, "dataset"), dataset, err) &&
           (!place || place_open(request->arena, &dataset->spec, place, err));
}

static void put_servers(JsonOut *out, const PlaceSpec *spec)
{
    json_key(out, "servers");
    json_begin(out, '[');
    for (size_t i = 0; i < spec->count; i++)
        json_z(out, spec->servers[i].name);
    json_end(out, ']');
}

/* The end of a list; `next` is empty at its end. */
static void end_items(JsonOut *out, Str next)
{
    json_end(out, ']');
    json_key(out, "next");
    if (next.len > 0)
        json_str(out, next);
    else
        json_null(out);
    json_end(out, '}');
}

static void begin_items(JsonOut *out)
{
    json_begin(out, '{');
    json_key(out, "items");
    json_begin(out, '[');
}

/* ---- GET /api/v1/datasets ---- */

static bool list_datasets(Request *request, Reply *reply, Err *err)
{
    const DatasetService *service = request->context;
    const DatasetSection *section;
    JsonOut out = reply_json(reply);
    size_t at = 0;
    Str name;

    begin_items(&out);
    while (datasets_next(service->instance, &at, &name, &section)) {
        Dataset dataset;

        if (!datasets_find(service->instance, request->arena, name, &dataset, err))
            return false;
        json_begin(&out, '{');
        json_key(&out, "name");
        json_str(&out, name);
        json_key(&out, "database");
        json_z(&out, dataset.database);
        put_servers(&out, &dataset.spec);
        json_end(&out, '}');
    }
    end_items(&out, (Str){0});
    return true;
}

/* ---- GET /api/v1/datasets/{dataset}/servers ---- */

static void put_report(JsonOut *out, const PlaceReport *report)
{
    json_begin(out, '{');
    json_key(out, "server");
    json_z(out, report->server);
    json_key(out, "state");
    json_z(out, place_agreement_name(report->agreement));
    json_key(out, "health");
    json_z(out, place_health_name(report->health));
    json_key(out, "epoch");
    if (report->there)
        json_int(out, report->version.epoch);
    else
        json_null(out);
    json_key(out, "error");
    json_z(out, report->there ? NULL : report->why.text);
    json_end(out, '}');
}

static bool list_servers(Request *request, Reply *reply, Err *err)
{
    Dataset dataset;
    Place *place;

    if (!open_dataset(request, &dataset, &place, err))
        return false;
    PlaceReport *reports = place_reports(place, request->arena);
    JsonOut out = reply_json(reply);
    begin_items(&out);
    for (size_t i = 0; i < dataset.spec.count; i++)
        put_report(&out, &reports[i]);
    end_items(&out, (Str){0});
    return true;
}

/* ---- GET /api/v1/datasets/{dataset}/tables ---- */

static void put_table(JsonOut *out, const PlaceSpec *spec, const ListedTable *table)
{
    json_begin(out, '{');
    json_key(out, "table");
    json_str(out, table->name);
    json_key(out, "rows");
    json_int(out, table->rows);
    json_key(out, "copies");
    json_raw(out, table->copies);
    json_key(out, "bytes");
    json_begin(out, '{');
    for (size_t s = 0; s < spec->count; s++)
        if (table->bytes[s] >= 0) {
            json_key(out, spec->servers[s].name);
            json_int(out, table->bytes[s]);
        }
    json_end(out, '}');
    json_end(out, '}');
}

static bool list_tables(Request *request, Reply *reply, Err *err)
{
    int64_t limit = arg_number(request, "limit");
    ListedTable *tables;
    Dataset dataset;
    Place *place;
    size_t count;

    if (!open_dataset(request, &dataset, &place, err) ||
        !listing_read(place, request->arena,
                      arg_given(request, "after") ? arg_text(request, "after") : STR(""), limit + 1, &tables,
                      &count, err))
        return false;
    size_t shown = count > (size_t)limit ? (size_t)limit : count;
    JsonOut out = reply_json(reply);
    begin_items(&out);
    for (size_t i = 0; i < shown; i++)
        put_table(&out, &dataset.spec, &tables[i]);
    end_items(&out, count > shown ? tables[shown - 1].name : (Str){0});
    return true;
}

static const Route routes[] = {
    {"GET", "/api/v1/datasets", "All datasets, and the servers they are on.", .handler = list_datasets,
     .needs = READER, .reply = "DatasetList"},
    {"GET", "/api/v1/datasets/{dataset}/servers", "How each server of a dataset is, and whether they agree.",
     PARAMS(DATASET_PARAM), .handler = list_servers, .needs = READER, .reply = "DatasetServerList"},
    {"GET", "/api/v1/datasets/{dataset}/tables",
     "Tables by name, with their rows, copies, and bytes on each server.",
     PARAMS(DATASET_PARAM, PARAM_LIMIT("10000", "1000"), PARAM_AFTER), .handler = list_tables,
     .needs = READER, .reply = "DatasetTableList"},
};

bool dataset_routes_mount(Server *server, DatasetService *service, Err *err)
{
    dataset_schemas(server);
    return server_mount(server, routes, COUNT_OF(routes), service, err) &&
           dataset_routes_mount_jobs(server, service, err);
}
