/*
 * The key that signs unsigned images at load time: RSA-3072, e = 3, one per user, in the user's
 * state folder with mode 0600. Not a secret that protects anything: enclaves of this signer are
 * one's own experiments.
 */
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/try.h"
#include "common/wipe.h"
#include "crypto/crypto.h"
#include "host/hostlog.h"
#include "host/loader.h"
#include "image/image.h"
#include "os/os.h"

#define KEY_FILE     "debug-signer.pem"
#define KEY_FILE_MAX 16384
#define SIGNER_BITS  3072

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct cm_rsa_key *cached;

static EVP_PKEY *generate(void)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_id(EVP_PKEY_RSA, NULL);
    BIGNUM *e = BN_new();
    EVP_PKEY *key = NULL;

    if (ctx == NULL || e == NULL || BN_set_word(e, 3) != 1 || EVP_PKEY_keygen_init(ctx) != 1 ||
        EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, SIGNER_BITS) != 1 ||
        EVP_PKEY_CTX_set1_rsa_keygen_pubexp(ctx, e) != 1 || EVP_PKEY_keygen(ctx, &key) != 1) {
        key = NULL;
    }
    BN_free(e);
    EVP_PKEY_CTX_free(ctx);
    return key;
}

/*
 * Two processes may get here at once. link() fails when the name exists: the first one's key stays
 * and both use it.
 */
static enum cm_status publish(const char *path, struct cm_span pem, struct cm_why *why)
{
    enum cm_status st = CM_OK;
    char mine[PATH_MAX];
    int n = snprintf(mine, sizeof(mine), "%s.%ld", path, (long)getpid());

    if (n < 0 || (size_t)n >= sizeof(mine)) {
        return CM_ERR_PARAM;
    }
    st = cm_file_write_atomic(mine, pem, 0600, why);
    if (st == CM_OK && link(mine, path) != 0 && errno != EEXIST) {
        cm_why_set(why, "%s: %s", path, strerror(errno));
        st = CM_ERR_IO;
    }
    (void)unlink(mine);
    return st;
}

static enum cm_status make_key_file(const char *path, struct cm_why *why)
{
    enum cm_status st = CM_ERR_CRYPTO;
    BIO *bio = BIO_new(BIO_s_secmem());
    EVP_PKEY *key = generate();
    char *text = NULL;
    long len = 0;

    if (bio != NULL && key != NULL &&
        PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1) {
        len = BIO_get_mem_data(bio, &text);
        st = publish(path, cm_span_make(text, (size_t)len), why);
    } else {
        cm_why_set(why, "the debug signing key could not be made");
    }
    EVP_PKEY_free(key);
    BIO_free(bio);
    if (st == CM_OK) {
        cm_host_log(CM_LOG_INFO, "made the debug signing key %s", path);
    }
    return st;
}

static enum cm_status load_key(struct cm_rsa_key **out, struct cm_why *why)
{
    enum cm_status st = CM_OK;
    char path[PATH_MAX];
    uint8_t *pem = NULL;
    size_t len = 0;
    size_t used = 0;

    CM_TRY(cm_state_dir(path, sizeof(path) - sizeof("/" KEY_FILE), why));
    used = strlen(path);
    memcpy(path + used, "/" KEY_FILE, sizeof("/" KEY_FILE));
    if (access(path, F_OK) != 0) {
        CM_TRY(make_key_file(path, why));
    }
    CM_TRY(cm_file_read(path, KEY_FILE_MAX, &pem, &len, why));
    CM_TRY(cm_rsa_key_from_pem(cm_span_make(pem, len), out, why));
out:
    cm_wipe(pem, len);
    free(pem);
    return st;
}

enum cm_status cm_debug_sign(uint8_t *sigstruct, struct cm_why *why)
{
    enum cm_status st = CM_OK;

    (void)pthread_mutex_lock(&lock);
    if (cached == NULL) {
        CM_TRY(load_key(&cached, why));
    }
    CM_TRY(cm_sigstruct_sign(sigstruct, cached, why));
out:
    (void)pthread_mutex_unlock(&lock);
    return st;
}
