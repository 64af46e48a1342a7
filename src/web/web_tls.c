/* TLS of the server: versions, certificate, and the end of handshakes. */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

#include "common/try.h"
#include "web/web_private.h"

static void on_free(void *parent, void *ptr, CRYPTO_EX_DATA *ad, int index, long argl, void *argp)
{
    (void)parent;
    (void)ad;
    (void)index;
    (void)argl;
    (void)argp;
    if (ptr != NULL) {
        cm_web_conn_free(ptr);
    }
}

static int conn_index(void)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static int index = -1;

    (void)pthread_mutex_lock(&lock);
    if (index < 0) {
        index = SSL_get_ex_new_index(0, NULL, NULL, NULL, on_free);
    }
    (void)pthread_mutex_unlock(&lock);
    return index;
}

struct web_conn *cm_web_tls_conn(const SSL *ssl)
{
    return SSL_get_ex_data(ssl, conn_index());
}

static void on_info(const SSL *ssl, int where, int result)
{
    struct web_conn *conn = cm_web_tls_conn(ssl);

    (void)result;
    if ((where & SSL_CB_HANDSHAKE_START) != 0 && conn != NULL) {
        cm_web_conn_meet(conn);
    }
    if ((where & SSL_CB_HANDSHAKE_DONE) != 0 && conn != NULL && conn->state == WEB_HANDSHAKE) {
        cm_web_conn_state(conn, WEB_IDLE);
    }
}

void cm_web_tls_watch(SSL *ssl, struct web_conn *conn)
{
    (void)SSL_set_ex_data(ssl, conn_index(), conn);
}

/* HTTP/1.1 is all there is; a client that insists on something else is told so. */
static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *outlen,
                   const unsigned char *in, unsigned int inlen, void *arg)
{
    static const unsigned char only[] = "\x08http/1.1";

    unsigned char *chosen = NULL;
    const int found = SSL_select_next_proto(&chosen, outlen, only, sizeof(only) - 1, in, inlen);

    (void)ssl;
    (void)arg;
    *out = chosen;
    return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* A chain in PEM, leaf first. */
static enum cm_status use_chain(SSL_CTX *ctx, const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    X509 *cert = bio == NULL ? NULL : PEM_read_bio_X509(bio, NULL, NULL, NULL);
    enum cm_status st = CM_ERR_PARAM;

    if (cert != NULL && SSL_CTX_use_certificate(ctx, cert) == 1) {
        X509 *issuer = NULL;

        st = CM_OK;
        while ((issuer = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
            if (SSL_CTX_add0_chain_cert(ctx, issuer) != 1) {
                X509_free(issuer);
                st = CM_ERR_PARAM;
                break;
            }
        }
    }
    X509_free(cert);
    BIO_free(bio);
    return st;
}

/* Encrypted keys are not asked for on the terminal of a service. */
/* NOLINTNEXTLINE(readability-non-const-parameter): OpenSSL's type */
static int no_passphrase(char *out, int size, int writing, void *unused)
{
    (void)out;
    (void)size;
    (void)writing;
    (void)unused;
    return -1;
}

static enum cm_status use_key(SSL_CTX *ctx, const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    EVP_PKEY *key = bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
    bool good =
        key != NULL && SSL_CTX_use_PrivateKey(ctx, key) == 1 && SSL_CTX_check_private_key(ctx) == 1;

    EVP_PKEY_free(key);
    BIO_free(bio);
    return good ? CM_OK : CM_ERR_PARAM;
}

enum cm_status cm_web_tls_make(const char *cert_pem, const char *key_pem, SSL_CTX **out,
                               struct cm_why *why)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    enum cm_status st = CM_OK;

    *out = NULL;
    if (ctx == NULL) {
        return CM_ERR_NOMEM;
    }
    if (SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20") != 1) {
        st = CM_ERR_PLATFORM;
        goto out;
    }
    (void)SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                       SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_CLEANSE_PLAINTEXT);
    (void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    (void)SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"casemate", 8);
    SSL_CTX_set_info_callback(ctx, on_info);
    SSL_CTX_set_alpn_select_cb(ctx, on_alpn, NULL);
    st = use_chain(ctx, cert_pem);
    if (st != CM_OK) {
        cm_why_set(why, "the TLS certificate is not a chain in PEM, leaf first");
        goto out;
    }
    st = use_key(ctx, key_pem);
    if (st != CM_OK) {
        cm_why_set(why, "the TLS key is not the certificate's private key in PEM, unencrypted");
        goto out;
    }
    *out = ctx;
    ctx = NULL;
out:
    ERR_clear_error();
    SSL_CTX_free(ctx);
    return st;
}

enum cm_status cm_web_check_tls(const char *cert_pem, const char *key_pem, struct cm_why *why)
{
    SSL_CTX *ctx = NULL;
    enum cm_status st = cm_web_tls_make(cert_pem, key_pem, &ctx, why);

    SSL_CTX_free(ctx);
    return st;
}
