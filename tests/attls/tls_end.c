/* See tls_end.h. */
#include "tls_end.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

/* Certificates are judged by what they carry, after the handshake. */
static int any_certificate(int ok, X509_STORE_CTX *ctx)
{
    (void)ok;
    (void)ctx;
    return 1;
}

static bool use_key(struct tls_end *e, const struct tls_setup *s)
{
    BIO *bio = BIO_new_mem_buf(s->key, -1);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    bool ok = key != NULL && SSL_CTX_use_certificate_ASN1(e->ctx, (int)s->der_len, s->der) == 1 &&
              SSL_CTX_use_PrivateKey(e->ctx, key) == 1;

    EVP_PKEY_free(key);
    BIO_free(bio);
    return ok;
}

bool tls_end_new(struct tls_end *e, const struct tls_setup *s)
{
    const int version = s->version == 0 ? TLS1_3_VERSION : s->version;
    int mode = s->server && !s->ask ? SSL_VERIFY_NONE : SSL_VERIFY_PEER;

    memset(e, 0, sizeof(*e));
    e->ctx = SSL_CTX_new(TLS_method());
    if (e->ctx == NULL || (s->key != NULL && !use_key(e, s))) {
        tls_end_free(e);
        return false;
    }
    (void)SSL_CTX_set_min_proto_version(e->ctx, version);
    (void)SSL_CTX_set_max_proto_version(e->ctx, version);
    SSL_CTX_set_verify(e->ctx, mode, any_certificate);
    (void)SSL_CTX_set_session_id_context(e->ctx, (const unsigned char *)"test", 4);
    e->ssl = SSL_new(e->ctx);
    e->in = BIO_new(BIO_s_mem());
    e->out = BIO_new(BIO_s_mem());
    SSL_set_bio(e->ssl, e->in, e->out);
    if (s->session != NULL) {
        (void)SSL_set_session(e->ssl, s->session);
    }
    if (s->server) {
        SSL_set_accept_state(e->ssl);
    } else {
        SSL_set_connect_state(e->ssl);
    }
    return true;
}

void tls_end_free(struct tls_end *e)
{
    SSL_free(e->ssl);
    SSL_CTX_free(e->ctx);
    memset(e, 0, sizeof(*e));
}

int tls_end_step(struct tls_end *e, const uint8_t *in, size_t in_len, uint8_t *out, size_t cap,
                 size_t *out_len)
{
    char none[1];
    int r = 0;
    int n = 0;

    *out_len = 0;
    if (e->ssl == NULL) {
        return -1;
    }
    if (in_len != 0) {
        (void)BIO_write(e->in, in, (int)in_len);
    }
    r = SSL_do_handshake(e->ssl);
    if (r == 1) {
        (void)SSL_read(e->ssl, none, sizeof(none)); /* takes tickets in */
    }
    n = BIO_read(e->out, out, (int)cap);
    *out_len = n > 0 ? (size_t)n : 0;
    if (r == 1) {
        ERR_clear_error();
        return 1;
    }
    r = SSL_get_error(e->ssl, r) == SSL_ERROR_WANT_READ ? 0 : -1;
    ERR_clear_error();
    return r;
}
