/* SPDX-License-Identifier: Apache-2.0 */
/*
 * place/seal -- a dataset that is only read, and one that may be written
 *
 * A dataset is open when it is made and sealed when its import is done (the seed: "As soon as the data importing process finishes, the
 * databases is a read-only data source"). Sealed, every transaction in its databases is read only unless it says otherwise, nobody but
 * the owner of a database may write, and the dataset's metadata say so, which all of our own commands respect.
 */
#ifndef PLACE_SEAL_H
#define PLACE_SEAL_H

#include "place/place.h"

/* "open" or "sealed". ERR_DB; ERR_CORRUPT: it has neither. */
bool place_is_sealed(Place *place, bool *out, Err *err) ATTR_MUST_USE;

/* Fails for a dataset that is sealed, with what to do. ERR_CONFLICT; ERR_DB, ERR_CORRUPT. */
bool place_check_open(Place *place, Err *err) ATTR_MUST_USE;

/* Seal it on all servers, or on none. Errors as change_begin() and change_commit(): ERR_DB ... */
bool place_seal(Place *place, Err *err) ATTR_MUST_USE;

/*
 * Let it be written again, by the owner of its databases; noted in the log and in its metadata. What others might write before it was
 * sealed is not given back.
 *
 * ERR_DENIED  the role is not the owner of the databases, nor a superuser
 * and as place_seal()
 */
bool place_unseal(Place *place, Err *err) ATTR_MUST_USE;

#endif
