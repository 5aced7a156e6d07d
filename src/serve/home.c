/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/home.h"

#include "http/accept.h"

/* What a link means to a program: https://www.iana.org/assignments/link-relations */
static const struct Link {
    const char *href, *rel, *type, *text;
    Role needs;
} links[] = {
    {"stac", "data", "application/json",
     "The catalogue as a STAC API: collections, and searches by place, time and variable.", READER},
    {"api/v1/catalog", "data", "application/json",
     "The shards of the catalogue; below each: ls, stat, find, du, tree, recent, dups, meta and more.",
     READER},
    {"openapi.json", "service-desc", "application/json",
     "Every address of this service but those of the MAS API, with its parameters, as OpenAPI.", NOBODY},
    {"healthz", "status", "application/json", "Whether the process lives.", NOBODY},
    {"readyz", "status", "application/json",
     "Whether everything that the service needs is there; status 503 when not.", NOBODY},
    {"metrics", "status", "text/plain", "Counters of the service, for Prometheus.", READER},
};

#define WHAT "A catalogue of files: what is in them, where and when."

static const char page_head[] =
    "<!DOCTYPE html>\n"
    "<html lang=\"en\">\n"
    "<head>\n"
    "<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<meta name=\"color-scheme\" content=\"light dark\">\n"
    "<link rel=\"icon\" href=\"data:,\">\n"
    "<title>Strata</title>\n"
    "<style>\n"
    ":root { color-scheme: light dark; }\n"
    "body { font: 1rem/1.5 system-ui, sans-serif; max-width: 42rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; }\n"
    "h1 { font-size: 1.75rem; line-height: 1.2; margin: 0; }\n"
    "h1 small { font-size: 1rem; font-weight: normal; opacity: .75; }\n"
    "code, dt { font-family: ui-monospace, monospace; font-size: .95em; }\n"
    "dt { margin-top: 1rem; }\n"
    "dt a { display: inline-block; padding: .2rem 0; }\n"
    "dd { margin: 0; }\n"
    "dl { margin: 0 0 2rem; }\n"
    "code { overflow-wrap: anywhere; }\n"
    "</style>\n"
    "</head>\n"
    "<body>\n"
    "<main>\n"
    "<h1>Strata <small>" STRATA_VERSION "</small></h1>\n"
    "<p>" WHAT "</p>\n"
    "<dl>\n";

static const char page_foot[] =
    "</dl>\n"
    "<p>The MAS API of GSKY is answered at every path whose query has one of its operations, as in\n"
    "<a href=\"?list_root_gpath\"><code>/?list_root_gpath</code></a>.</p>\n"
    "<p>Once the service has tokens, everything but this page, <code>/openapi.json</code>, <code>/healthz</code> and\n"
    "<code>/readyz</code> needs one: <code>Authorization: Bearer TOKEN</code>.\n"
    "<code>strata token create</code> makes one, <code>strata help</code> tells the rest.</p>\n"
    "</main>\n"
    "</body>\n"
    "</html>\n";

static void put_page(Reply *reply)
{
    reply->type = "text/html; charset=utf-8";
    reply_header(reply, "Content-Security-Policy",
                 STR("default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
                     "form-action 'none'; frame-ancestors 'none'"));
    buf_put_z(&reply->body, page_head);
    for (size_t i = 0; i < COUNT_OF(links); i++)
        buf_printf(&reply->body, "<dt><a href=\"%s\">/%s</a></dt>\n<dd>%s</dd>\n", links[i].href,
                   links[i].href, links[i].text);
    buf_put_z(&reply->body, page_foot);
}

static void put_pair(JsonOut *out, const char *key, const char *value)
{
    json_key(out, key);
    json_z(out, value);
}

static void put_links(Reply *reply)
{
    JsonOut out = reply_json(reply);

    json_begin(&out, '{');
    put_pair(&out, "title", "Strata");
    put_pair(&out, "description", WHAT);
    put_pair(&out, "version", STRATA_VERSION);
    json_key(&out, "links");
    json_begin(&out, '[');
    for (size_t i = 0; i < COUNT_OF(links); i++) {
        json_begin(&out, '{');
        put_pair(&out, "href", links[i].href);
        put_pair(&out, "rel", links[i].rel);
        put_pair(&out, "type", links[i].type);
        put_pair(&out, "title", links[i].text);
        put_pair(&out, "needs", role_name(links[i].needs));
        json_end(&out, '}');
    }
    json_end(&out, ']');
    json_end(&out, '}');
}

static bool show_home(Request *request, Reply *reply, Err *err)
{
    Str accept = request_header(request, "Accept");

    (void)err;
    reply_header(reply, "Vary", STR("Accept"));
    if (accept_names(accept, "application/json") && !accept_names(accept, "text/html"))
        put_links(reply);
    else
        put_page(reply);
    return true;
}

static const Route routes[] = {
    {"GET", "/", "What there is here: a page, or its links as JSON for who accepts that alone",
     .handler = show_home, .inline_ok = true, .reply_type = "text/html"},
};

bool home_mount(Server *server, Err *err)
{
    return server_mount(server, routes, COUNT_OF(routes), NULL, err);
}
