/* SPDX-License-Identifier: Apache-2.0 */
/* TLS: a service beyond this machine, with a certificate made here. */
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <sys/stat.h>

#include "base/os.h"
#include "http/server.h"
#include "http/tls.h"
#include "test/check.h"
#include "test/unit/http/client.h"

static char dir[] = "/tmp/strata-tls-test-XXXXXX";
static char cert_path[64], key_path[64], token_path[64];

static void write_file(const char *path, Str text)
{
    Err err = {0};

    CHECK(os_write_file(path, text, 0600, &err));
}

/* A certificate for `key`, signed by itself. */
static void sign(gnutls_x509_crt_t cert, gnutls_x509_privkey_t key, int seconds)
{
    unsigned char serial = 1;
    time_t now = time(NULL);

    CHECK(gnutls_x509_crt_set_version(cert, 3) == 0 && gnutls_x509_crt_set_serial(cert, &serial, 1) == 0);
    CHECK(gnutls_x509_crt_set_dn(cert, "CN=localhost", NULL) == 0 && gnutls_x509_crt_set_key(cert, key) == 0);
    CHECK(gnutls_x509_crt_set_activation_time(cert, now - 60) == 0);
    CHECK(gnutls_x509_crt_set_expiration_time(cert, now + seconds) == 0);
    CHECK(gnutls_x509_crt_sign2(cert, cert, key, GNUTLS_DIG_SHA256, 0) == 0);
}

static void write_pem(const char *path, int status, gnutls_datum_t *pem)
{
    CHECK(status == 0);
    write_file(path, (Str){(char *)pem->data, pem->size});
    gnutls_free(pem->data);
}

static void make_certificate(int seconds)
{
    unsigned bits = GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1);
    gnutls_x509_privkey_t key = NULL;
    gnutls_x509_crt_t cert = NULL;
    gnutls_datum_t pem = {0};

    CHECK(gnutls_x509_privkey_init(&key) == 0 && gnutls_x509_crt_init(&cert) == 0);
    CHECK(gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA, bits, 0) == 0);
    sign(cert, key, seconds);
    write_pem(cert_path, gnutls_x509_crt_export2(cert, GNUTLS_X509_FMT_PEM, &pem), &pem);
    write_pem(key_path, gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &pem), &pem);
    gnutls_x509_crt_deinit(cert);
    gnutls_x509_privkey_deinit(key);
}

/* What one request over TLS brings, head and body. */
static void ask(unsigned port, Str request, Buf *out)
{
    CLIENT_SCOPE(client, port);
    gnutls_session_t session = NULL;
    gnutls_certificate_credentials_t trust = NULL;
    int status;

    CHECK(gnutls_certificate_allocate_credentials(&trust) == 0);
    CHECK(gnutls_init(&session, GNUTLS_CLIENT) == 0 && gnutls_set_default_priority(session) == 0);
    CHECK(gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, trust) == 0);
    gnutls_transport_set_int(session, client.fd);
    do
        status = gnutls_handshake(session);
    while (status < 0 && !gnutls_error_is_fatal(status));
    CHECK(status == 0);
    CHECK(gnutls_record_send(session, request.ptr, request.len) == (ssize_t)request.len);
    for (;;) {
        ssize_t got = gnutls_record_recv(session, buf_reserve(out, 65536), 65536);

        if (got <= 0)
            break;
        out->len += (size_t)got;
    }
    gnutls_deinit(session);
    gnutls_certificate_free_credentials(trust);
}

static bool rows(Request *request, Reply *reply, Err *err)
{
    (void)request;
    for (int i = 0; i < 100000; i++) {
        buf_printf(&reply->body, "%09d\n", i);
        if (!reply_flush(reply, err))
            return false;
    }
    return true;
}

static const Route routes[] = {{"GET", "/rows", "Rows", .handler = rows, .needs = READER}};

static void an_address_beyond_this_machine_is_served_with_tls_and_tokens(void)
{
    BUF_SCOPE(line);
    BUF_SCOPE(denied);
    BUF_SCOPE(all);
    Err err = {0};

    token_put_hash(&line, STR("secret"));
    buf_put_z(&line, " reader ann\n");
    write_file(token_path, buf_str(&line));
    TokenFile *tokens = token_file_open(token_path, &err);
    ServerOptions options = {
        .listen = "0.0.0.0:0", .cert_file = cert_path, .key_file = key_path, .tokens = tokens};
    Server *server = server_new(&options, &err);
    CHECK(server && server_mount(server, routes, COUNT_OF(routes), NULL, &err) && server_start(server, &err));
    CHECK(strncmp(server_url(server), "https://0.0.0.0:", 16) == 0);
    ask(server_port(server), STR("GET /rows HTTP/1.1\r\nHost: x.example\r\nConnection: close\r\n\r\n"),
        &denied);
    CHECK(str_starts(buf_str(&denied), STR("HTTP/1.1 401 ")));
    ask(server_port(server),
        STR("GET /rows HTTP/1.0\r\nHost: x.example\r\nAuthorization: Bearer secret\r\nConnection: close\r\n\r\n"),
        &all);
    CHECK(str_starts(buf_str(&all), STR("HTTP/1.1 200 ")) && all.len > 1000000);
    CHECK(str_ends(buf_str(&all), STR("000099999\n")));
    server_stop(server);
    server_free(server);
    token_file_close(tokens);
}

/* A server whose certificate is renewed while it runs. */
static void a_renewed_certificate_is_taken_and_a_wrong_one_is_not(void)
{
    static const Str request = {"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 61};
    ServerOptions options = {.cert_file = cert_path, .key_file = key_path};
    Err err = {0};
    Server *server = server_new(&options, &err);

    CHECK(server && server_start(server, &err));
    Instant before = server_tls_expires(server);
    CHECK(before > time_now());
    make_certificate(7200);
    CHECK(server_reload_tls(server, &err) && server_tls_expires(server) > before + SECONDS(3000));

    BUF_SCOPE(answer);
    ask(server_port(server), request, &answer);
    CHECK(str_starts(buf_str(&answer), STR("HTTP/1.1 200 ")));

    write_file(key_path, STR("rubbish"));
    CHECK(!server_reload_tls(server, &err) && err.code == ERR_CONFIG);
    CHECK(server_tls_expires(server) > before + SECONDS(3000));
    buf_reset(&answer);
    ask(server_port(server), request, &answer);
    CHECK(str_starts(buf_str(&answer), STR("HTTP/1.1 200 ")));
    server_stop(server);
    server_free(server);
    make_certificate(3600);
}

static bool refuses(const char *cert, const char *key, const char *says)
{
    Err err = {0};
    Tls *tls = tls_open(cert, key, &err);

    tls_close(tls);
    return !tls && err.code == ERR_CONFIG && strstr(err.text, says);
}

static void what_is_wrong_with_a_certificate_is_said(void)
{
    Err err = {0};
    char other[80];

    CHECK(refuses("/nonexistent/cert", key_path, "No such file"));
    CHECK(refuses(key_path, key_path, "is no certificate"));
    CHECK(refuses(cert_path, cert_path, "is no key"));
    (void)snprintf(other, sizeof other, "%s/other", dir);
    CHECK(rename(key_path, other) == 0);
    make_certificate(3600);
    CHECK(refuses(cert_path, other, "is not the key of certificate"));
    CHECK(chmod(key_path, 0644) == 0 && refuses(cert_path, key_path, "can be read by everybody"));
    CHECK(chmod(key_path, 0640) == 0);
    Tls *tls = tls_open(cert_path, key_path, &err);
    CHECK(tls != NULL);
    tls_close(tls);
}

static void a_wrong_certificate_is_a_configuration_error(void)
{
    Err err = {0};
    ServerOptions missing = {.cert_file = "/nonexistent/cert", .key_file = key_path};
    ServerOptions swapped = {.cert_file = key_path, .key_file = cert_path};
    Server *server = server_new(&missing, &err);

    CHECK(server && !server_start(server, &err) && err.code == ERR_CONFIG);
    server_free(server);
    server = server_new(&swapped, &err);
    CHECK(server && !server_start(server, &err) && err.code == ERR_CONFIG);
    server_free(server);
}

int main(void)
{
    Err err = {0};

    if (!mkdtemp(dir))
        return 1;
    (void)snprintf(cert_path, sizeof cert_path, "%s/cert", dir);
    (void)snprintf(key_path, sizeof key_path, "%s/key", dir);
    (void)snprintf(token_path, sizeof token_path, "%s/tokens", dir);
    make_certificate(3600);
    RUN(an_address_beyond_this_machine_is_served_with_tls_and_tokens);
    RUN(a_renewed_certificate_is_taken_and_a_wrong_one_is_not);
    RUN(what_is_wrong_with_a_certificate_is_said);
    RUN(a_wrong_certificate_is_a_configuration_error);
    CHECK(os_remove_tree(dir, &err));
    DONE();
}
