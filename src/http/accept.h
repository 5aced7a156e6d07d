/* SPDX-License-Identifier: Apache-2.0 */
/* http/accept -- what a client says it takes: Accept, Accept-Encoding, If-None-Match (RFC 9110, sections 12 and 13) */
#ifndef HTTP_ACCEPT_H
#define HTTP_ACCEPT_H

#include "base/str.h"

/* Whether `word` ("gzip", "text/csv") is in the list with a quality above 0; "*" in the list stands for all. */
bool accept_has(Str list, const char *word);

/* The same without "*" and type ranges: the client asked for just this. */
bool accept_names(Str list, const char *word);

/* Whether the If-None-Match list has `tag` (without quotes), weakly compared, or is "*". */
bool accept_etag(Str list, Str tag);

#endif
