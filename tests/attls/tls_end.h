/*
 * One end of a TLS connection over memory, the same in host and enclave: bytes go in and come out, and
 * whoever calls carries them, or changes them.
 */
#ifndef CM_TESTS_TLS_END_H
#define CM_TESTS_TLS_END_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

struct tls_end {
    SSL_CTX *ctx;
    SSL *ssl;
    BIO *in;
    BIO *out;
};

struct tls_setup {
    bool server;
    bool ask;           /* a server that asks for a certificate */
    int version;        /* 0: TLS 1.3 */
    const char *key;    /* PEM; NULL: no certificate */
    const uint8_t *der; /* certificate */
    size_t der_len;
    SSL_SESSION *session; /* to resume */
};

bool tls_end_new(struct tls_end *e, const struct tls_setup *s);
void tls_end_free(struct tls_end *e);
/* 1 the handshake is finished, 0 it goes on, -1 it failed; out_len at most cap */
int tls_end_step(struct tls_end *e, const uint8_t *in, size_t in_len, uint8_t *out, size_t cap,
                 size_t *out_len);

#endif
