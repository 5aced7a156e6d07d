/* SPDX-License-Identifier: Apache-2.0 */
/*
 * home -- the page at `/`: what this service is, and what can be asked here
 *
 * For people as HTML without scripts; for a client whose Accept names application/json and not text/html, the same
 * links as JSON. It tells nothing of what is catalogued, so nobody needs a token for it. Links are relative, so that
 * they hold behind a proxy that puts the service below another path.
 */
#ifndef SERVE_HOME_H
#define SERVE_HOME_H

#include "http/server.h"

/* ERR_BUG: `/` is mounted already. */
bool home_mount(Server *server, Err *err) ATTR_MUST_USE;

#endif
