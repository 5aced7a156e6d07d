/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/catalog_listing.h"

enum { USUAL_LIMIT = 1000 };

typedef struct Printer {
    CatalogForm form;
    Listing list;
    bool open; /* nothing but rows of the list can follow */
} Printer;

/* ---- rows ---- */

static void put_hex(Listing *list, Str bytes)
{
    BUF_SCOPE(hex);

    buf_put_hex(&hex, bytes.ptr, bytes.len);
    listing_str(list, buf_str(&hex));
}

static void put_cell(Listing *list, ListKind kind, const ListCell *cell)
{
    if (cell->null) {
        listing_null(list);
        return;
    }
    switch (kind) {
    case LIST_TEXT:
        listing_str(list, cell->text);
        break;
    case LIST_INT:
    case LIST_BYTES:
        listing_int(list, cell->number);
        break;
    case LIST_NUMBER:
        listing_double(list, cell->real);
        break;
    case LIST_BOOL:
        listing_bool(list, cell->number != 0);
        break;
    case LIST_TIME:
        listing_time(list, cell->number);
        break;
    case LIST_HEX:
        put_hex(list, cell->text);
        break;
    case LIST_JSON:
        listing_json(list, cell->text);
        break;
    }
}

static void put_cells(Listing *list, const ListShape *shape, const ListCell *cells)
{
    for (size_t i = 0; i < shape->count; i++)
        put_cell(list, shape->columns[i].kind, &cells[i]);
}

static void open_items(Printer *printer)
{
    json_key(&printer->list.json, "items");
    json_begin(&printer->list.json, '[');
    printer->open = true;
}

static bool put_row(void *ctx, const ListShape *shape, const ListCell *cells, Err *err)
{
    Printer *printer = ctx;
    Listing *list = &printer->list;

    if (printer->open) {
        listing_row(list);
        put_cells(list, shape, cells);
        return listing_row_end(list, err);
    }
    list->column = 0;
    put_cells(list, shape, cells);
    if (printer->form == CATALOG_HEAD)
        open_items(printer);
    return true;
}

/* ---- answers ---- */

static const char *const *names_of(Arena *arena, const ListShape *shape)
{
    const char **names = arena_new(arena, const char *, shape->count + 1);

    for (size_t i = 0; i < shape->count; i++)
        names[i] = shape->columns[i].name;
    return names;
}

const AccessUser *catalog_user(const Request *request)
{
    const User *user = &request->user;
    Arena *arena = request->arena;

    if (!user->filtered)
        return NULL;
    AccessUser *asks = arena_new(arena, AccessUser, 1);
    int64_t *groups = arena_new(arena, int64_t, user->group_count + 1);
    for (size_t i = 0; i < user->group_count; i++)
        groups[i] = user->groups[i];
    *asks = (AccessUser){user->uid, groups, user->group_count};
    return asks;
}

/* Reads what was said about form and page. */
static void begin(Request *request, Reply *reply, CatalogForm form, const ListShape *shape, Printer *printer,
                  ListSink *sink)
{
    ListingFormat format = form == CATALOG_ONE ? LISTING_JSON : listing_format(request);

    *sink = (ListSink){.row = put_row, .ctx = printer, .arena = request->arena};
    *printer = (Printer){.form = form, .open = true};
    if (form != CATALOG_ONE) {
        sink->after = arg_text(request, "after");
        sink->limit = arg_given(request, "limit") ? arg_number(request, "limit")
                      : format == LISTING_JSON    ? USUAL_LIMIT
                                                  : 0;
        reply_header(reply, "Vary", STR("Accept"));
    }
    if (form == CATALOG_ITEMS || format != LISTING_JSON || sink->after.len > 0) {
        printer->list = listing_begin(reply, format, names_of(request->arena, shape));
        return;
    }
    printer->open = false;
    printer->list =
        (Listing){.reply = reply, .json = reply_json(reply), .columns = names_of(request->arena, shape)};
    json_begin(&printer->list.json, '{');
}

static bool end(Printer *printer, const ListSink *sink, Err *err)
{
    if (printer->open)
        return listing_end(&printer->list, sink->next, err);
    json_end(&printer->list.json, '}');
    return true;
}

bool catalog_answer(Request *request, Reply *reply, CatalogForm form, const ListShape *shape, CatalogAsk *ask,
                    Err *err)
{
    const CatalogService *service = request->context;
    Str shard = arg_text(request, "shard");
    ListSink sink;
    Printer printer;
    Access access;
    POOL_SCOPE(lease);

    begin(request, reply, form, shape, &printer, &sink);
    return pool_take(service->pool, &(PoolWish){.shard = shard}, &lease, err) &&
           access_open(request->arena, lease.db, shard, catalog_user(request), &access, err) &&
           ask(&access, request, &sink, err) && end(&printer, &sink, err);
}

bool catalog_answer_shards(Request *request, Reply *reply, Err *err)
{
    const CatalogService *service = request->context;
    ListSink sink;
    Printer printer;
    POOL_SCOPE(lease);

    begin(request, reply, CATALOG_ITEMS, &list_shard_facts, &printer, &sink);
    return pool_take(service->pool, &(PoolWish){0}, &lease, err) && list_shards(lease.db, &sink, err) &&
           end(&printer, &sink, err);
}
