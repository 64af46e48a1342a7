/* Certificates, and a TLS 1.3 connection over memory, inside an enclave. */
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "inside_case.h"

static X509 *make_certificate(EVP_PKEY *key, const char *name)
{
    X509 *x = X509_new();
    X509_NAME *subject = X509_get_subject_name(x);

    if (X509_set_version(x, 2) == 1 && ASN1_INTEGER_set(X509_get_serialNumber(x), 7) == 1 &&
        X509_gmtime_adj(X509_getm_notBefore(x), -60) != NULL &&
        X509_gmtime_adj(X509_getm_notAfter(x), 86400) != NULL &&
        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1,
                                   0) == 1 &&
        X509_set_issuer_name(x, subject) == 1 && X509_set_pubkey(x, key) == 1 &&
        X509_sign(x, key, EVP_sha256()) != 0) {
        return x;
    }
    X509_free(x);
    return NULL;
}

static int verify_chain(X509 *root, X509 *leaf)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *c = X509_STORE_CTX_new();
    int result;

    (void)X509_STORE_add_cert(store, root);
    (void)X509_STORE_CTX_init(c, store, leaf, NULL);
    result = X509_verify_cert(c);
    X509_STORE_CTX_free(c);
    X509_STORE_free(store);
    return result;
}

int cm_case_x509(unsigned thread, unsigned threads)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    EVP_PKEY *other_key = EVP_EC_gen("P-384");
    X509 *x = make_certificate(key, "enclave");
    X509 *other = make_certificate(other_key, "enclave");
    BIO *bio = BIO_new(BIO_s_mem());
    unsigned char *der = NULL;
    const unsigned char *p;
    X509 *from_der;
    X509 *from_pem;
    int failed = 0;
    int len;

    (void)thread;
    (void)threads;
    CASE_CHECK(failed, x != NULL && other != NULL);
    len = i2d_X509(x, &der);
    p = der;
    from_der = d2i_X509(NULL, &p, len);
    CASE_CHECK(failed, from_der != NULL && X509_verify(from_der, key) == 1);
    CASE_CHECK(failed, X509_verify(from_der, other_key) != 1);
    CASE_CHECK(failed, PEM_write_bio_X509(bio, x) == 1);
    from_pem = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    CASE_CHECK(failed, from_pem != NULL && X509_cmp(from_pem, x) == 0);
    CASE_CHECK(failed, verify_chain(from_pem, from_der) == 1);
    CASE_CHECK(failed, verify_chain(other, from_der) != 1);
    ERR_clear_error();
    OPENSSL_free(der);
    BIO_free(bio);
    X509_free(x);
    X509_free(other);
    X509_free(from_der);
    X509_free(from_pem);
    EVP_PKEY_free(key);
    EVP_PKEY_free(other_key);
    return failed;
}

static void move(BIO *from, BIO *to)
{
    char bytes[4096];
    int n;

    while ((n = BIO_read(from, bytes, sizeof(bytes))) > 0) {
        (void)BIO_write(to, bytes, n);
    }
}

struct end {
    SSL *ssl;
    BIO *in;
    BIO *out;
};

static void make_end(struct end *e, SSL_CTX *ctx)
{
    e->ssl = SSL_new(ctx);
    e->in = BIO_new(BIO_s_mem());
    e->out = BIO_new(BIO_s_mem());
    SSL_set_bio(e->ssl, e->in, e->out);
}

static void handshake(struct end *client, struct end *server)
{
    int i;

    SSL_set_connect_state(client->ssl);
    SSL_set_accept_state(server->ssl);
    for (i = 0; i < 10; i++) {
        (void)SSL_do_handshake(client->ssl);
        move(client->out, server->in);
        (void)SSL_do_handshake(server->ssl);
        move(server->out, client->in);
    }
}

/* A client that trusts `root` only, against a server with certificate x. */
static int connect_with(EVP_PKEY *key, X509 *x, X509 *root, bool expected)
{
    SSL_CTX *server_ctx = SSL_CTX_new(TLS_server_method());
    SSL_CTX *client_ctx = SSL_CTX_new(TLS_client_method());
    struct end server;
    struct end client;
    char text[32] = "";
    int failed = 0;

    CASE_CHECK(failed, SSL_CTX_use_certificate(server_ctx, x) == 1);
    CASE_CHECK(failed, SSL_CTX_use_PrivateKey(server_ctx, key) == 1);
    CASE_CHECK(failed, X509_STORE_add_cert(SSL_CTX_get_cert_store(client_ctx), root) == 1);
    SSL_CTX_set_verify(client_ctx, SSL_VERIFY_PEER, NULL);
    make_end(&server, server_ctx);
    make_end(&client, client_ctx);
    handshake(&client, &server);
    CASE_CHECK(failed, (SSL_is_init_finished(client.ssl) == 1) == expected);
    if (expected) {
        CASE_CHECK(failed, strcmp(SSL_get_version(client.ssl), "TLSv1.3") == 0);
        CASE_CHECK(failed, SSL_write(client.ssl, "over TLS", 8) == 8);
        move(client.out, server.in);
        CASE_CHECK(failed, SSL_read(server.ssl, text, sizeof(text)) == 8);
        CASE_CHECK(failed, strcmp(text, "over TLS") == 0);
        (void)printf("  %s %s\n", SSL_get_version(client.ssl), SSL_get_cipher(client.ssl));
    }
    ERR_clear_error();
    SSL_free(server.ssl);
    SSL_free(client.ssl);
    SSL_CTX_free(server_ctx);
    SSL_CTX_free(client_ctx);
    return failed;
}

int cm_case_tls(unsigned thread, unsigned threads)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    EVP_PKEY *other_key = EVP_EC_gen("P-256");
    X509 *x = make_certificate(key, "enclave");
    X509 *other = make_certificate(other_key, "enclave");
    int failed = 0;

    (void)thread;
    (void)threads;
    failed += connect_with(key, x, x, true);
    failed += connect_with(key, x, other, false);
    X509_free(x);
    X509_free(other);
    EVP_PKEY_free(key);
    EVP_PKEY_free(other_key);
    return failed;
}
