/* SPDX-License-Identifier: Apache-2.0 */
#include "http/tls.h"

#include <gnutls/x509.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/lock.h"
#include "base/os.h"

/* What one reading gave. */
typedef struct Identity {
    struct Identity *before;
    Arena home;
    gnutls_pcert_st chain[TLS_CHAIN_MAX];
    unsigned count;
    gnutls_privkey_t key;
    Instant expires;
} Identity;

struct Tls {
    Arena home;
    const char *cert_path, *key_path;
    pthread_mutex_t lock; /* of what follows */
    Identity *identity;
};

static bool read_pem(const char *path, Buf *out, Err *err)
{
    if (os_read_file(path, TLS_PEM_MAX, out, err))
        return true;
    err->code = ERR_CONFIG;
    return false;
}

static gnutls_datum_t datum(const Buf *pem)
{
    return (gnutls_datum_t){(unsigned char *)pem->ptr, (unsigned)pem->len};
}

static bool read_chain(Identity *identity, const char *path, Err *err)
{
    BUF_SCOPE(pem);

    if (!read_pem(path, &pem, err))
        return false;
    gnutls_datum_t text = datum(&pem);
    identity->count = TLS_CHAIN_MAX;
    int status =
        gnutls_pcert_list_import_x509_raw(identity->chain, &identity->count, &text, GNUTLS_X509_FMT_PEM, 0);
    if (status == GNUTLS_E_SHORT_MEMORY_BUFFER)
        return err_set(err, ERR_CONFIG, "'%s' has more than %d certificates", path, TLS_CHAIN_MAX);
    if (status < 0)
        identity->count = 0;
    return status >= 0 ||
           err_set(err, ERR_CONFIG, "'%s' is no certificate in PEM form: %s", path, gnutls_strerror(status));
}

/* Whoever reads the key can be this service. A group may: Debian has ssl-cert for it. */
static bool check_mode(const char *path, Err *err)
{
    struct stat st;

    if (stat(path, &st) < 0 || (st.st_mode & S_IRWXO) == 0)
        return true;
    (void)err_set(err, ERR_CONFIG, "'%s' can be read by everybody", path);
    return err_hint(err, "chmod o= '%s'", path);
}

static bool read_key(Identity *identity, const char *path, Err *err)
{
    BUF_SCOPE(pem);

    if (!read_pem(path, &pem, err) || !check_mode(path, err))
        return false;
    gnutls_datum_t text = datum(&pem);
    int status = gnutls_privkey_init(&identity->key);
    if (status >= 0)
        status = gnutls_privkey_import_x509_raw(identity->key, &text, GNUTLS_X509_FMT_PEM, NULL, 0);
    explicit_bzero(pem.ptr, pem.len);
    return status >= 0 || err_set(err, ERR_CONFIG, "'%s' is no key in PEM form without a pass phrase: %s",
                                  path, gnutls_strerror(status));
}

static bool is_same_id(const unsigned char *a, size_t a_len, const unsigned char *b, size_t b_len)
{
    return a_len == b_len && memcmp(a, b, a_len) == 0;
}

/* The key that the first certificate is for. */
static bool fits(const Identity *identity)
{
    unsigned char of_cert[64], of_key[64];
    size_t cert_len = sizeof of_cert, key_len = sizeof of_key;
    gnutls_pubkey_t public = NULL;

    bool ok =
        gnutls_pubkey_init(&public) == 0 && gnutls_pubkey_import_privkey(public, identity->key, 0, 0) == 0 &&
        gnutls_pubkey_get_key_id(public, GNUTLS_KEYID_USE_SHA256, of_key, &key_len) == 0 &&
        gnutls_pubkey_get_key_id(identity->chain[0].pubkey, GNUTLS_KEYID_USE_SHA256, of_cert, &cert_len) ==
            0 &&
        is_same_id(of_key, key_len, of_cert, cert_len);
    gnutls_pubkey_deinit(public);
    return ok;
}

static void read_expiry(Identity *identity)
{
    gnutls_x509_crt_t cert = NULL;

    if (gnutls_x509_crt_init(&cert) < 0)
        return;
    if (gnutls_x509_crt_import(cert, &identity->chain[0].cert, GNUTLS_X509_FMT_DER) == 0)
        identity->expires = SECONDS((Instant)gnutls_x509_crt_get_expiration_time(cert));
    gnutls_x509_crt_deinit(cert);
}

static void free_identity(Identity *identity)
{
    Arena home = identity->home;

    for (unsigned i = 0; i < identity->count; i++)
        gnutls_pcert_deinit(&identity->chain[i]);
    if (identity->key)
        gnutls_privkey_deinit(identity->key);
    arena_free(&home);
}

static Identity *read_identity(const Tls *tls, Err *err)
{
    Arena home = {0};
    Identity *identity = arena_new(&home, Identity, 1);

    identity->home = home;
    bool ok = read_chain(identity, tls->cert_path, err) && read_key(identity, tls->key_path, err) &&
              (fits(identity) || err_set(err, ERR_CONFIG, "'%s' is not the key of certificate '%s'",
                                         tls->key_path, tls->cert_path));
    if (!ok) {
        free_identity(identity);
        (void)err_wrap(err, "cannot use TLS");
        return NULL;
    }
    read_expiry(identity);
    return identity;
}

Tls *tls_open(const char *cert_path, const char *key_path, Err *err)
{
    Arena home = {0};
    Tls *tls = arena_new(&home, Tls, 1);

    tls->cert_path = str_to_z(&home, str_from_z(cert_path));
    tls->key_path = str_to_z(&home, str_from_z(key_path));
    tls->home = home;
    (void)pthread_mutex_init(&tls->lock, NULL);
    tls->identity = read_identity(tls, err);
    if (tls->identity)
        return tls;
    tls_close(tls);
    return NULL;
}

void tls_close(Tls *tls)
{
    if (!tls)
        return;
    for (Identity *identity = tls->identity, *before; identity; identity = before) {
        before = identity->before;
        free_identity(identity);
    }
    (void)pthread_mutex_destroy(&tls->lock);

    Arena home = tls->home;
    arena_free(&home);
}

bool tls_reload(Tls *tls, Err *err)
{
    Identity *identity = read_identity(tls, err);

    if (!identity)
        return false;
    LOCK_SCOPE(held, &tls->lock);
    identity->before = tls->identity;
    tls->identity = identity;
    return true;
}

Instant tls_expires(Tls *tls)
{
    LOCK_SCOPE(held, &tls->lock);

    return tls->identity->expires;
}

void tls_get(Tls *tls, gnutls_pcert_st **chain, unsigned *count, gnutls_privkey_t *key)
{
    LOCK_SCOPE(held, &tls->lock);

    *chain = tls->identity->chain;
    *count = tls->identity->count;
    *key = tls->identity->key;
}
