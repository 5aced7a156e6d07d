/* SPDX-License-Identifier: Apache-2.0 */
/* http_options -- what section [http] asks for, as the HTTP server takes it */
#ifndef SERVE_HTTP_OPTIONS_H
#define SERVE_HTTP_OPTIONS_H

#include "http/server.h"
#include "serve/instance.h"

/* With `tokens` of http_open_tokens(). What it points to is in `arena`. */
ServerOptions http_options(const Instance *instance, Arena *arena, TokenFile *tokens);

/*
 * The file of tokens; NULL where the configuration says that there is none. One that somebody named has to be there;
 * the usual one comes with the first token.
 *
 * ERR_CONFIG  it is not there, others may write to it, or a line is wrong
 * ERR_IO      it cannot be read
 */
bool http_open_tokens(const Instance *instance, Arena *arena, TokenFile **out, Err *err) ATTR_MUST_USE;

/* Could the service start with this, as far as files and the configuration tell? Nothing is listened to. ERR_CONFIG, ERR_IO. */
bool http_check(const Instance *instance, Err *err) ATTR_MUST_USE;

#endif
