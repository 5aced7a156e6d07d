/* SPDX-License-Identifier: Apache-2.0 */
/*
 * armour -- a key as text that can be mailed and printed: RFC 7468 around the record of crypto/keyfile.h
 *
 *     -----BEGIN STRATA SEALED KEY-----
 *     U1RSS0VZUkMBAAAAAwAAAAMAAAAAAAAAAAAAAA...
 *     -----END STRATA SEALED KEY-----
 *
 * The label says for people and for scanners of secrets what it is: PUBLIC KEY, SEALED KEY (by a passphrase), or SECRET KEY
 * (readable). Version and checksum are the record's.
 */
#ifndef CRYPTO_ARMOUR_H
#define CRYPTO_ARMOUR_H

#include "crypto/keyfile.h"
#include "crypto/secret.h"

enum { ARMOUR_MAX = 64 * 1024 /* bytes of the text around a key, with it */ };

/* Puts a record of that lock as text; of one that is readable into a SECRET_BUF_SCOPE. */
void armour_put(KeyLock lock, Str record, Buf *out);

/*
 * The record in a text, which may have other text before and behind it, into `bytes`, where *out points.
 *
 * ERR_USAGE    there is no key in it, or one of a store
 * ERR_CORRUPT  it is damaged, or another than its label says
 * ERR_LIMIT    as keyfile_read()
 */
bool armour_read(Str text, Buf *bytes, KeyFile *out, Err *err) ATTR_MUST_USE;

#endif
