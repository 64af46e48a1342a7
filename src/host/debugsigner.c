/*
 * The key that signs unsigned images at load time: RSA-3072, e = 3, one per user, in the user's
 * state folder with mode 0600. Not a secret that protects anything: enclaves of this signer are
 * one's own experiments.
 */
#include <limits.h>
#include <pthread.h>
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
#define KEY_FILE_MAX 16384 /* also of one that the user has put there */
#define KEY_TEXT_MAX 4096  /* of one that is made here */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct cm_rsa_key *cached;

static enum cm_status make_key_file(const char *path, struct cm_why *why)
{
    enum cm_status st = CM_OK;
    struct cm_rsa_key *key = NULL;
    char pem[KEY_TEXT_MAX] = "";

    CM_TRY(cm_rsa_key_generate(&key));
    CM_TRY(cm_rsa_key_pem(key, pem, sizeof(pem)));
    CM_TRY(cm_file_create_once(path, cm_span_make(pem, strlen(pem)), 0600, why));
    cm_host_log(CM_LOG_INFO, "made the debug signing key %s", path);
out:
    if (st != CM_OK) {
        cm_why_set(why, "the debug signing key could not be made: %s", cm_status_str(st));
    }
    cm_wipe(pem, sizeof(pem));
    cm_rsa_key_free(key);
    return st;
}

/* What failed is no property of the image, and no status may say that it is. */
static enum cm_status load_key(struct cm_rsa_key **out, struct cm_why *why)
{
    enum cm_status st = CM_OK;
    char path[PATH_MAX];
    uint8_t *pem = NULL;
    struct cm_why reason = {""};
    size_t len = 0;
    size_t used = 0;

    if (cm_state_dir(path, sizeof(path) - sizeof("/" KEY_FILE), &reason) != CM_OK) {
        cm_why_set(why, "the image is not signed, and there is no place for a key: %s",
                   reason.text);
        return CM_ERR_PLATFORM;
    }
    used = strlen(path);
    memcpy(path + used, "/" KEY_FILE, sizeof("/" KEY_FILE));
    if (access(path, F_OK) != 0) {
        CM_TRY(make_key_file(path, why));
    }
    if (cm_file_read(path, KEY_FILE_MAX, &pem, &len, why) != CM_OK) {
        st = CM_ERR_PLATFORM; /* why names the file */
        goto out;
    }
    st = cm_rsa_key_from_pem(cm_span_make(pem, len), out, &reason);
    if (st != CM_OK && st != CM_ERR_NOMEM) {
        cm_why_set(why,
                   "the debug signing key %s is damaged (%s); remove it, and a new one is made",
                   path, reason.text[0] != '\0' ? reason.text : cm_status_str(st));
        st = CM_ERR_CRYPTO;
    }
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
