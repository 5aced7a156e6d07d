/* SPDX-License-Identifier: Apache-2.0 */
/* moves -- a plan of copies that go to other servers: shown, and carried out */
#ifndef CLI_MOVES_H
#define CLI_MOVES_H

#include "cli/datasets.h"
#include "place/balance.h"

/* A record with the moves and the servers; with `yes`, after they are done. Errors as upkeep_move(): ERR_DB ... */
bool moves_run(const Call *call, DatasetWork *work, Balance *plan, bool yes, Err *err) ATTR_MUST_USE;

#endif
