/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <strings.h>

#include "http/route.h"

const Value *arg(const Request *request, const char *name)
{
    const Route *route = request->route;

    for (size_t i = 0; i < route->param_count; i++)
        if (strcmp(route->params[i].name, name) == 0)
            return &request->values[i];
    assert(!"the parameter is not in the route's table");
    __builtin_unreachable();
}

Str request_header(const Request *request, const char *name)
{
    return pairs_header(request->headers, name);
}

bool request_is_type(const Request *request, const char *type)
{
    Str media;

    (void)str_cut(request_header(request, "Content-Type"), ';', &media);
    media = str_trim(media);
    return media.len == strlen(type) && strncasecmp(media.ptr, type, media.len) == 0;
}

bool request_form(const Request *request, Pairs *out, Err *err)
{
    if (!request_is_type(request, "application/x-www-form-urlencoded")) {
        *out = (Pairs){0};
        return true;
    }
    return url_pairs(request->arena, request->body, out, err);
}
