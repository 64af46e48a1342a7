/* See access_password.h. */
#include "access/access_password.h"

#include <argon2.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "common/try.h"
#include "common/wipe.h"
#include "crypto/keyenc.h"
#include "token/base64.h"
#include "token/utf8.h"

#define SALT_SIZE 16
#define HASH_SIZE 32
#define LANES     1

static atomic_uint at_once;

static bool begin(void)
{
    const bool good = atomic_fetch_add(&at_once, 1) < CM_PASSWORD_AT_ONCE;

    if (!good) {
        (void)atomic_fetch_sub(&at_once, 1);
    }
    return good;
}

static void end(void)
{
    (void)atomic_fetch_sub(&at_once, 1);
}

static enum cm_status status_of(int code)
{
    switch (code) {
    case ARGON2_OK:
        return CM_OK;
    case ARGON2_VERIFY_MISMATCH:
        return CM_ERR_MISMATCH;
    case ARGON2_MEMORY_ALLOCATION_ERROR:
        return CM_ERR_NOMEM;
    default:
        return CM_ERR_CRYPTO;
    }
}

enum cm_status cm_password_check(const char *password, struct cm_why *why)
{
    struct cm_span left = cm_span_make(password, strnlen(password, CM_PASSWORD_BYTES + 1));
    size_t characters = 0;

    while (left.len != 0 && left.len <= CM_PASSWORD_BYTES) {
        uint32_t unused = 0;
        const size_t n = cm_utf8_decode(left, &unused);

        if (n == 0) {
            cm_why_set(why, "the password is not UTF-8");
            return CM_ERR_PARAM;
        }
        left.ptr += n;
        left.len -= n;
        characters++;
    }
    if (characters < CM_PASSWORD_MIN || characters > CM_PASSWORD_MAX || left.len != 0) {
        cm_why_set(why, "a password has %d to %d characters", CM_PASSWORD_MIN, CM_PASSWORD_MAX);
        return CM_ERR_PARAM;
    }
    return CM_OK;
}

enum cm_status cm_password_hash(const char *password, const struct cm_password_cost *cost,
                                char out[CM_PASSWORD_HASH_CAP])
{
    uint8_t salt[SALT_SIZE];
    enum cm_status st = CM_OK;

    out[0] = '\0';
    if (!begin()) {
        return CM_ERR_BUSY;
    }
    CM_TRY(cm_random_bytes(salt, sizeof(salt)));
    CM_TRY(status_of(argon2id_hash_encoded(cost->passes, cost->memory_kib, LANES, password,
                                           strlen(password), salt, sizeof(salt), HASH_SIZE, out,
                                           CM_PASSWORD_HASH_CAP)));
out:
    end();
    return st;
}

static void cost_text(const struct cm_password_cost *cost, char *out, size_t cap)
{
    (void)snprintf(out, cap, "$argon2id$v=%d$m=%u,t=%u,p=%d$", ARGON2_VERSION_NUMBER,
                   cost->memory_kib, cost->passes, LANES);
}

/* Argon2's text has base64 without padding. */
static enum cm_status plain_base64(const uint8_t *data, size_t len, char *out, size_t cap)
{
    size_t used = 0;
    enum cm_status st = CM_OK;

    CM_TRY(cm_base64_encode(cm_span_make(data, len), out, cap - 1, &used));
    out[used] = '\0';
    out[strcspn(out, "=")] = '\0';
out:
    return st;
}

/* A hash that nothing fits: random, with a random salt. */
static enum cm_status nobody(const struct cm_password_cost *cost, char out[CM_PASSWORD_HASH_CAP])
{
    uint8_t random[SALT_SIZE + HASH_SIZE];
    char salt[CM_BASE64_ENCODED(SALT_SIZE) + 1] = "";
    char hash[CM_BASE64_ENCODED(HASH_SIZE) + 1] = "";
    char head[48] = "";
    enum cm_status st = CM_OK;

    CM_TRY(cm_random_bytes(random, sizeof(random)));
    CM_TRY(plain_base64(random, SALT_SIZE, salt, sizeof(salt)));
    CM_TRY(plain_base64(random + SALT_SIZE, HASH_SIZE, hash, sizeof(hash)));
    cost_text(cost, head, sizeof(head));
    (void)snprintf(out, CM_PASSWORD_HASH_CAP, "%s%s$%s", head, salt, hash);
out:
    return st;
}

enum cm_status cm_password_verify(const char *password, const char *hash,
                                  const struct cm_password_cost *cost)
{
    char none[CM_PASSWORD_HASH_CAP] = "";
    enum cm_status st = CM_OK;

    if (strnlen(password, CM_PASSWORD_BYTES + 1) > CM_PASSWORD_BYTES) {
        return CM_ERR_MISMATCH; /* whatever the account */
    }
    if (!begin()) {
        return CM_ERR_BUSY;
    }
    if (hash == NULL) {
        CM_TRY(nobody(cost, none));
    }
    CM_TRY(status_of(argon2id_verify(hash != NULL ? hash : none, password, strlen(password))));
    st = hash != NULL ? CM_OK : CM_ERR_MISMATCH;
out:
    end();
    return st;
}

bool cm_password_outdated(const char *hash, const struct cm_password_cost *cost)
{
    char head[48] = "";

    cost_text(cost, head, sizeof(head));
    return strncmp(hash, head, strlen(head)) != 0;
}
