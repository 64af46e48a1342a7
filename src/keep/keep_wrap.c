/* A blob at rest: "CMK1", salt, ciphertext, tag; see keep.h. Untrusted: blobs, which the store holds. */
#include <string.h>

#include "common/try.h"
#include "common/wipe.h"
#include "crypto/crypto.h"
#include "crypto/keyenc.h"
#include "keep/keep.h"
#include "keep/keep_root.h"

#define MAGIC_SIZE 4u
#define SALT_SIZE  32u
#define HEAD_SIZE  (MAGIC_SIZE + SALT_SIZE)
#define PLAIN_MAX  ((size_t)16 << 20)

static const uint8_t magic[MAGIC_SIZE] = {'C', 'M', 'K', '1'};
_Static_assert(HEAD_SIZE + CM_GCM_TAG_SIZE <= CM_KEEP_OVERHEAD, "what wrapping adds");

/* Each blob has a key and an IV of its own: a salt of 32 random bytes does not come twice. */
struct blob_key {
    uint8_t key[CM_GCM256_KEY_SIZE];
    uint8_t iv[CM_GCM_IV_SIZE];
};

static enum cm_status derive(const uint8_t root[CM_ROOT_SIZE], const uint8_t *salt,
                             struct blob_key *out)
{
    static const char info[] = "casemate key at rest 1";
    uint8_t made[sizeof(out->key) + sizeof(out->iv)] = {0};
    enum cm_status st = CM_OK;

    CM_TRY(cm_hkdf_sha256(cm_span_make(root, CM_ROOT_SIZE), cm_span_make(salt, SALT_SIZE),
                          cm_span_make(info, sizeof(info) - 1), made, sizeof(made)));
    memcpy(out->key, made, sizeof(out->key));
    memcpy(out->iv, made + sizeof(out->key), sizeof(out->iv));
out:
    cm_wipe(made, sizeof(made));
    return st;
}

enum cm_status cm_keep_wrap_with(const uint8_t key[CM_ROOT_SIZE], const char *name,
                                 struct cm_span plain, uint8_t *out, size_t cap, size_t *len)
{
    struct blob_key own = {{0}, {0}};
    size_t name_len = strnlen(name, CM_KEEP_NAME_MAX + 1);
    enum cm_status st = CM_OK;

    *len = 0;
    if (plain.len > PLAIN_MAX || name_len > CM_KEEP_NAME_MAX) {
        return CM_ERR_LIMIT;
    }
    if (cap < plain.len + HEAD_SIZE + CM_GCM_TAG_SIZE) {
        return CM_ERR_SPACE;
    }
    memcpy(out, magic, MAGIC_SIZE);
    CM_TRY(cm_random_bytes(out + MAGIC_SIZE, SALT_SIZE));
    CM_TRY(derive(key, out + MAGIC_SIZE, &own));
    CM_TRY(cm_gcm_seal(cm_span_make(own.key, sizeof(own.key)), own.iv, cm_span_make(name, name_len),
                       plain, out + HEAD_SIZE, out + HEAD_SIZE + plain.len));
    *len = plain.len + HEAD_SIZE + CM_GCM_TAG_SIZE;
out:
    cm_wipe(&own, sizeof(own));
    return st;
}

enum cm_status cm_keep_unwrap_with(const uint8_t key[CM_ROOT_SIZE], const char *name,
                                   struct cm_span wrapped, uint8_t *out, size_t cap, size_t *len)
{
    struct blob_key own = {{0}, {0}};
    size_t name_len = strnlen(name, CM_KEEP_NAME_MAX + 1);
    enum cm_status st = CM_OK;
    size_t plain_len = 0;

    *len = 0;
    if (name_len > CM_KEEP_NAME_MAX) {
        return CM_ERR_LIMIT;
    }
    if (wrapped.len < HEAD_SIZE + CM_GCM_TAG_SIZE || memcmp(wrapped.ptr, magic, MAGIC_SIZE) != 0) {
        return CM_ERR_SIGNATURE;
    }
    plain_len = wrapped.len - HEAD_SIZE - CM_GCM_TAG_SIZE;
    if (cap < plain_len) {
        return CM_ERR_SPACE;
    }
    CM_TRY(derive(key, wrapped.ptr + MAGIC_SIZE, &own));
    CM_TRY(cm_gcm_open(cm_span_make(own.key, sizeof(own.key)), own.iv, cm_span_make(name, name_len),
                       cm_span_make(wrapped.ptr + HEAD_SIZE, plain_len),
                       wrapped.ptr + HEAD_SIZE + plain_len, out));
    *len = plain_len;
out:
    cm_wipe(&own, sizeof(own));
    return st;
}
