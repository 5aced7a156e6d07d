/* SPDX-License-Identifier: Apache-2.0 */
#include "http/pages.h"

#include "http/accept.h"

static const Page *find(const Pages *pages, Str path)
{
    for (size_t i = 0; i < pages->count; i++)
        if (str_eq_z(path, pages->at[i].path))
            return &pages->at[i];
    return NULL;
}

bool pages_answer(Request *request, Reply *reply, Err *err)
{
    const Pages *pages = request->context;
    const Page *page = find(pages, request->path);
    Str shown = str_sub(request->path, 0, 200);

    if (!page)
        return err_set(err, ERR_NOT_FOUND, "there is nothing at '%.*s'", STR_ARG(shown));
    reply->type = page->type;
    reply_header(reply, "Content-Security-Policy",
                 str_from_z(pages->policy ? pages->policy : "default-src 'self'"));
    if (page->etag && reply_etag(reply, str_from_z(page->etag)))
        return true;
    if (!page->gzip.len || !accept_has(request_header(request, "Accept-Encoding"), "gzip")) {
        buf_put(&reply->body, page->body);
        return true;
    }
    reply->plain = true;
    reply_header(reply, "Content-Encoding", STR("gzip"));
    reply_header(reply, "Vary", STR("Accept-Encoding"));
    buf_put(&reply->body, page->gzip);
    return true;
}
