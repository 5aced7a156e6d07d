/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve/mas -- the MAS API over HTTP: any request whose query has one of its eight operations, whatever the path
 *
 * The path is what is asked about; the operation is the first key present in the order of the table in mas.c.
 * Other parameters follow Go's form rules, because the original is a Go program: a form body comes before the
 * query, the first value counts, an empty one is absent. Errors are plain text that holds JSON, status 400, or 503
 * where the database cannot be reached.
 */
#ifndef SERVE_MAS_H
#define SERVE_MAS_H

#include "catalog/mas.h"
#include "http/server.h"

void mas_mount(Server *server, Mas *mas);

#endif
