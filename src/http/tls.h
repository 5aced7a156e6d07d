/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http/tls -- the certificate that a server shows, and its key, read from PEM files and read again when they are renewed
 *
 * Threads: handshakes may go on in several while one reads again. What an earlier reading gave stays until
 * tls_close(), because a handshake may still hold it.
 */
#ifndef HTTP_TLS_H
#define HTTP_TLS_H

#include <gnutls/abstract.h>

#include "base/err.h"
#include "base/time.h"

typedef struct Tls Tls;

enum { TLS_PEM_MAX = 1 << 20, TLS_CHAIN_MAX = 16 }; /* bytes of a file; certificates in it */

/*
 * Read both files: the certificate, with those that signed it behind it, and its key.
 *
 * ERR_CONFIG  one cannot be read or is no such thing, they do not fit, or others than owner and group may read the key
 */
Tls *tls_open(const char *cert_path, const char *key_path, Err *err) ATTR_MUST_USE;
void tls_close(Tls *tls);

/* Read them again. On failure the ones before stay. ERR_CONFIG as tls_open(). */
bool tls_reload(Tls *tls, Err *err) ATTR_MUST_USE;

/* When the certificate expires. */
Instant tls_expires(Tls *tls);

/* What a handshake shows: valid until tls_close(). */
void tls_get(Tls *tls, gnutls_pcert_st **chain, unsigned *count, gnutls_privkey_t *key);

#endif
