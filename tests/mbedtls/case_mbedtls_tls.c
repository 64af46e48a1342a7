/* Certificates, and a TLS connection over memory, with mbedTLS inside an enclave. */
#include <stdlib.h>
#include <string.h>

#include <mbedtls/net_sockets.h>
#include <mbedtls/pk.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>

#include "mbed_case.h"

static int make_key(mbedtls_pk_context *key, struct cm_mbed_rng *rng)
{
    mbedtls_pk_init(key);
    return mbedtls_pk_setup(key, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY)) == 0 &&
                   mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(*key),
                                       mbedtls_ctr_drbg_random, &rng->drbg) == 0
               ? 0
               : -1;
}

/* A certificate of its own issuer, parsed from what was written. 0 on success. */
static int make_certificate(mbedtls_x509_crt *x, mbedtls_pk_context *key, const char *name,
                            struct cm_mbed_rng *rng)
{
    unsigned char pem[4096];
    mbedtls_x509write_cert w;
    mbedtls_mpi serial;
    int ok;

    mbedtls_mpi_init(&serial);
    mbedtls_x509write_crt_init(&w);
    mbedtls_x509write_crt_set_version(&w, MBEDTLS_X509_CRT_VERSION_3);
    mbedtls_x509write_crt_set_md_alg(&w, MBEDTLS_MD_SHA256);
    mbedtls_x509write_crt_set_subject_key(&w, key);
    mbedtls_x509write_crt_set_issuer_key(&w, key);
    mbedtls_x509_crt_init(x);
    ok =
        mbedtls_mpi_lset(&serial, 7) == 0 && mbedtls_x509write_crt_set_serial(&w, &serial) == 0 &&
        mbedtls_x509write_crt_set_subject_name(&w, name) == 0 &&
        mbedtls_x509write_crt_set_issuer_name(&w, name) == 0 &&
        mbedtls_x509write_crt_set_validity(&w, "20200101000000", "20991231235959") == 0 &&
        mbedtls_x509write_crt_set_basic_constraints(&w, 1, -1) == 0 &&
        mbedtls_x509write_crt_pem(&w, pem, sizeof(pem), mbedtls_ctr_drbg_random, &rng->drbg) == 0 &&
        mbedtls_x509_crt_parse(x, pem, strlen((char *)pem) + 1) == 0;
    mbedtls_x509write_crt_free(&w);
    mbedtls_mpi_free(&serial);
    return ok ? 0 : -1;
}

int cm_mbed_x509(unsigned thread, unsigned threads)
{
    struct cm_mbed_rng *rng = calloc(1, sizeof(*rng));
    unsigned char *der = NULL;
    mbedtls_x509_crt x;
    mbedtls_x509_crt other;
    mbedtls_x509_crt changed;
    mbedtls_pk_context key;
    mbedtls_pk_context other_key;
    uint32_t flags = 0;
    char text[512];
    int failed = 0;

    (void)thread;
    (void)threads;
    CASE_CHECK(failed, rng != NULL && cm_mbed_rng_start(rng) == 0);
    CASE_CHECK(failed, make_key(&key, rng) == 0 && make_key(&other_key, rng) == 0);
    CASE_CHECK(failed, make_certificate(&x, &key, "CN=enclave,O=test", rng) == 0);
    CASE_CHECK(failed, make_certificate(&other, &other_key, "CN=enclave,O=test", rng) == 0);
    CASE_CHECK(failed, mbedtls_x509_dn_gets(text, sizeof(text), &x.subject) > 0);
    CASE_CHECK(failed, strcmp(text, "CN=enclave, O=test") == 0);
    CASE_CHECK(failed, mbedtls_x509_crt_verify(&x, &x, NULL, NULL, &flags, NULL, NULL) == 0);
    CASE_CHECK(failed, mbedtls_x509_crt_verify(&x, &other, NULL, NULL, &flags, NULL, NULL) != 0);
    CASE_CHECK(failed, (flags & MBEDTLS_X509_BADCERT_NOT_TRUSTED) != 0);
    der = malloc(x.raw.len);
    if (der != NULL) {
        mbedtls_x509_crt_init(&changed);
        memcpy(der, x.raw.p, x.raw.len);
        CASE_CHECK(failed, mbedtls_x509_crt_parse_der(&changed, der, x.raw.len - 1) != 0);
        der[x.raw.len - 1] ^= 1; /* in the signature */
        CASE_CHECK(failed, mbedtls_x509_crt_parse_der(&changed, der, x.raw.len) == 0);
        CASE_CHECK(failed,
                   mbedtls_x509_crt_verify(&changed, &x, NULL, NULL, &flags, NULL, NULL) != 0);
        mbedtls_x509_crt_free(&changed);
        free(der);
    }
    mbedtls_x509_crt_free(&x);
    mbedtls_x509_crt_free(&other);
    mbedtls_pk_free(&key);
    mbedtls_pk_free(&other_key);
    cm_mbed_rng_end(rng);
    free(rng);
    return failed;
}

/* One direction of a connection over memory. */
struct pipe {
    unsigned char bytes[32768];
    size_t from;
    size_t to;
};

struct end {
    struct pipe *in;
    struct pipe *out;
};

static int send_to(void *ctx, const unsigned char *buf, size_t len)
{
    struct pipe *p = ((struct end *)ctx)->out;

    if (len > sizeof(p->bytes) - p->to) {
        return MBEDTLS_ERR_SSL_WANT_WRITE;
    }
    memcpy(p->bytes + p->to, buf, len);
    p->to += len;
    return (int)len;
}

static int receive(void *ctx, unsigned char *buf, size_t len)
{
    struct pipe *p = ((struct end *)ctx)->in;
    size_t n = p->to - p->from;

    if (n == 0) {
        p->from = 0;
        p->to = 0;
        return MBEDTLS_ERR_SSL_WANT_READ;
    }
    n = n < len ? n : len;
    memcpy(buf, p->bytes + p->from, n);
    p->from += n;
    return (int)n;
}

struct peer {
    mbedtls_ssl_context ssl;
    mbedtls_ssl_config config;
    struct end end;
};

static int start_peer(struct peer *p, int role, struct cm_mbed_rng *rng, struct pipe *in,
                      struct pipe *out)
{
    mbedtls_ssl_init(&p->ssl);
    mbedtls_ssl_config_init(&p->config);
    p->end = (struct end){in, out};
    if (mbedtls_ssl_config_defaults(&p->config, role, MBEDTLS_SSL_TRANSPORT_STREAM,
                                    MBEDTLS_SSL_PRESET_DEFAULT) != 0) {
        return -1;
    }
    mbedtls_ssl_conf_rng(&p->config, mbedtls_ctr_drbg_random, &rng->drbg);
    return 0;
}

static int connect_peers(struct peer *client, struct peer *server)
{
    int a = -1;
    int b = -1;
    int i;

    for (i = 0; i < 100 && (a != 0 || b != 0); i++) {
        a = mbedtls_ssl_handshake(&client->ssl);
        b = mbedtls_ssl_handshake(&server->ssl);
        if ((a != 0 && a != MBEDTLS_ERR_SSL_WANT_READ) ||
            (b != 0 && b != MBEDTLS_ERR_SSL_WANT_READ)) {
            return -1;
        }
    }
    return a == 0 && b == 0 ? 0 : -1;
}

static int talk(struct peer *client, struct peer *server, struct pipe *to_server)
{
    unsigned char text[64];
    int failed = 0;

    CASE_CHECK(failed, mbedtls_ssl_write(&client->ssl, (const unsigned char *)"question", 8) == 8);
    CASE_CHECK(failed, mbedtls_ssl_read(&server->ssl, text, sizeof(text)) == 8);
    CASE_CHECK(failed, memcmp(text, "question", 8) == 0);
    CASE_CHECK(failed, mbedtls_ssl_write(&server->ssl, (const unsigned char *)"answer", 6) == 6);
    CASE_CHECK(failed, mbedtls_ssl_read(&client->ssl, text, sizeof(text)) == 6);
    CASE_CHECK(failed, memcmp(text, "answer", 6) == 0);
    CASE_CHECK(failed, mbedtls_ssl_write(&client->ssl, (const unsigned char *)"forged", 6) == 6);
    to_server->bytes[to_server->to - 1] ^= 1;
    CASE_CHECK(failed,
               mbedtls_ssl_read(&server->ssl, text, sizeof(text)) == MBEDTLS_ERR_SSL_INVALID_MAC);
    return failed;
}

/* trust: what the client believes in */
static int connection(struct cm_mbed_rng *rng, mbedtls_x509_crt *x, mbedtls_pk_context *key,
                      mbedtls_x509_crt *trust, bool expected)
{
    struct pipe *pipes = calloc(2, sizeof(*pipes));
    struct peer *client = calloc(1, sizeof(*client));
    struct peer *server = calloc(1, sizeof(*server));
    int failed = 0;

    if (pipes == NULL || client == NULL || server == NULL) {
        free(pipes);
        free(client);
        free(server);
        return 1;
    }
    CASE_CHECK(failed, start_peer(client, MBEDTLS_SSL_IS_CLIENT, rng, &pipes[0], &pipes[1]) == 0);
    CASE_CHECK(failed, start_peer(server, MBEDTLS_SSL_IS_SERVER, rng, &pipes[1], &pipes[0]) == 0);
    mbedtls_ssl_conf_authmode(&client->config, MBEDTLS_SSL_VERIFY_REQUIRED);
    mbedtls_ssl_conf_ca_chain(&client->config, trust, NULL);
    CASE_CHECK(failed, mbedtls_ssl_conf_own_cert(&server->config, x, key) == 0);
    CASE_CHECK(failed, mbedtls_ssl_setup(&client->ssl, &client->config) == 0);
    CASE_CHECK(failed, mbedtls_ssl_setup(&server->ssl, &server->config) == 0);
    CASE_CHECK(failed, mbedtls_ssl_set_hostname(&client->ssl, "enclave") == 0);
    mbedtls_ssl_set_bio(&client->ssl, &client->end, send_to, receive, NULL);
    mbedtls_ssl_set_bio(&server->ssl, &server->end, send_to, receive, NULL);
    CASE_CHECK(failed, (connect_peers(client, server) == 0) == expected);
    if (expected && failed == 0) {
        CASE_CHECK(failed, strcmp(mbedtls_ssl_get_version(&client->ssl), "TLSv1.2") == 0);
        failed += talk(client, server, &pipes[1]);
    }
    mbedtls_ssl_free(&client->ssl);
    mbedtls_ssl_free(&server->ssl);
    mbedtls_ssl_config_free(&client->config);
    mbedtls_ssl_config_free(&server->config);
    free(pipes);
    free(client);
    free(server);
    return failed;
}

int cm_mbed_tls(unsigned thread, unsigned threads)
{
    struct cm_mbed_rng *rng = calloc(1, sizeof(*rng));
    mbedtls_net_context net;
    mbedtls_x509_crt x;
    mbedtls_x509_crt other;
    mbedtls_pk_context key;
    mbedtls_pk_context other_key;
    int failed = 0;

    (void)thread;
    (void)threads;
    CASE_CHECK(failed, rng != NULL && cm_mbed_rng_start(rng) == 0);
    CASE_CHECK(failed, make_key(&key, rng) == 0 && make_key(&other_key, rng) == 0);
    CASE_CHECK(failed, make_certificate(&x, &key, "CN=enclave", rng) == 0);
    CASE_CHECK(failed, make_certificate(&other, &other_key, "CN=enclave", rng) == 0);
    failed += connection(rng, &x, &key, &x, true);
    failed += connection(rng, &x, &key, &other, false);
    mbedtls_net_init(&net); /* no module for sockets: an error, and no more */
    CASE_CHECK(failed, mbedtls_net_connect(&net, "127.0.0.1", "443", MBEDTLS_NET_PROTO_TCP) != 0);
    mbedtls_net_free(&net);
    mbedtls_x509_crt_free(&x);
    mbedtls_x509_crt_free(&other);
    mbedtls_pk_free(&key);
    mbedtls_pk_free(&other_key);
    cm_mbed_rng_end(rng);
    free(rng);
    return failed;
}
