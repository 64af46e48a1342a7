/* P-256 key pairs derived from seal keys; openenclave/bits/keys.h says what they promise. The
 * derivation is Open Enclave's, so that an enclave which moves here keeps its keys. */
#include <string.h>

#include <openenclave/corelibc/stdlib.h>
#include <openenclave/enclave.h>

#include "common/wipe.h"
#include "crypto/crypto.h"
#include "crypto/pubkey.h"
#include "enclave/runtime.h"
#include "seal/seal_asym.h"

enum { MAX_PEM = 512, MAX_TRIES = 16 };

/* What the caller asked for; the seal key by info when there is one. */
struct wanted {
    const oe_asymmetric_key_params_t *params;
    bool private;
    uint8_t **key;
    size_t *key_size;
};

static oe_result_t check(const struct wanted *w)
{
    const oe_asymmetric_key_params_t *p = w->params;

    if (w->key == NULL || w->key_size == NULL) {
        return OE_INVALID_PARAMETER;
    }
    *w->key = NULL;
    *w->key_size = 0;
    if (p == NULL || !oe_is_within_enclave(p, sizeof(*p)) ||
        p->type != OE_ASYMMETRIC_KEY_EC_SECP256P1 || p->format != OE_ASYMMETRIC_KEY_PEM) {
        return OE_INVALID_PARAMETER;
    }
    if (p->user_data_size != 0 &&
        (p->user_data == NULL || !oe_is_within_enclave(p->user_data, p->user_data_size))) {
        return OE_INVALID_PARAMETER;
    }
    return OE_OK;
}

/* The first derived number that is a private key; all but one in 2^32 are. */
static enum cm_status pair_from(struct cm_span seal_key, struct cm_span user_data,
                                struct cm_privkey **out)
{
    uint8_t number[CM_SHA256_SIZE] = {0};
    uint8_t before[CM_SHA256_SIZE] = {0};
    enum cm_status st = cm_kdf_counter(seal_key, user_data, number);

    for (int i = 0; st == CM_OK && i < MAX_TRIES; i++) {
        st = cm_privkey_from_number(CM_CURVE_P256, cm_span_make(number, sizeof(number)), out);
        if (st != CM_ERR_LIMIT) {
            break;
        }
        memcpy(before, number, sizeof(before));
        st = cm_kdf_counter(cm_span_make(before, sizeof(before)), user_data, number);
    }
    if (st == CM_OK && *out == NULL) {
        st = CM_ERR_CRYPTO;
    }
    cm_wipe(number, sizeof(number));
    cm_wipe(before, sizeof(before));
    return st;
}

static oe_result_t derive(const struct wanted *w, struct cm_span seal_key)
{
    char pem[MAX_PEM] = {0};
    struct cm_privkey *pair = NULL;
    struct cm_pubkey *public = NULL;
    enum cm_status st =
        pair_from(seal_key, cm_span_make(w->params->user_data, w->params->user_data_size), &pair);
    uint8_t *copy = NULL;

    if (st == CM_OK && w->private) {
        st = cm_privkey_pem(pair, pem, sizeof(pem));
    } else if (st == CM_OK) {
        st = cm_privkey_public(pair, &public);
        st = st == CM_OK ? cm_pubkey_pem(public, pem, sizeof(pem)) : st;
    }
    if (st == CM_OK) {
        copy = oe_malloc(strlen(pem) + 1);
        st = copy == NULL ? CM_ERR_NOMEM : CM_OK;
    }
    if (st == CM_OK) {
        *w->key_size = strlen(pem) + 1;
        memcpy(copy, pem, *w->key_size);
        *w->key = copy;
    }
    cm_wipe(pem, sizeof(pem));
    cm_pubkey_free(public);
    cm_privkey_free(pair);
    if (st == CM_OK) {
        return OE_OK;
    }
    return st == CM_ERR_NOMEM ? OE_OUT_OF_MEMORY : OE_CRYPTO_ERROR;
}

static oe_result_t by_policy(oe_seal_policy_t policy, const struct wanted *w, uint8_t **key_info,
                             size_t *key_info_size)
{
    uint8_t *seal_key = NULL;
    size_t seal_key_size = 0;
    oe_result_t result = check(w);

    if (result != OE_OK) {
        return result;
    }
    result =
        oe_get_seal_key_by_policy_v2(policy, &seal_key, &seal_key_size, key_info, key_info_size);
    if (result == OE_OK) {
        result = derive(w, cm_span_make(seal_key, seal_key_size));
        if (result != OE_OK && key_info != NULL) {
            oe_free_seal_key(NULL, *key_info);
            *key_info = NULL;
            *key_info_size = 0;
        }
    }
    oe_free_seal_key(seal_key, NULL);
    return result;
}

static oe_result_t by_info(const struct wanted *w, const uint8_t *key_info, size_t key_info_size)
{
    uint8_t *seal_key = NULL;
    size_t seal_key_size = 0;
    oe_result_t result = check(w);

    if (result == OE_OK) {
        result = oe_get_seal_key_v2(key_info, key_info_size, &seal_key, &seal_key_size);
    }
    if (result == OE_OK) {
        result = derive(w, cm_span_make(seal_key, seal_key_size));
    }
    oe_free_seal_key(seal_key, NULL);
    return result;
}

/* NOLINTBEGIN(readability-non-const-parameter): the API's types; they are handed on */
oe_result_t oe_get_public_key_by_policy(oe_seal_policy_t seal_policy,
                                        const oe_asymmetric_key_params_t *key_params,
                                        uint8_t **key_buffer, size_t *key_buffer_size,
                                        uint8_t **key_info, size_t *key_info_size)
{
    struct wanted w = {key_params, false, key_buffer, key_buffer_size};

    return by_policy(seal_policy, &w, key_info, key_info_size);
}

oe_result_t oe_get_private_key_by_policy(oe_seal_policy_t seal_policy,
                                         const oe_asymmetric_key_params_t *key_params,
                                         uint8_t **key_buffer, size_t *key_buffer_size,
                                         uint8_t **key_info, size_t *key_info_size)
{
    struct wanted w = {key_params, true, key_buffer, key_buffer_size};

    return by_policy(seal_policy, &w, key_info, key_info_size);
}

oe_result_t oe_get_public_key(const oe_asymmetric_key_params_t *key_params, const uint8_t *key_info,
                              size_t key_info_size, uint8_t **key_buffer, size_t *key_buffer_size)
{
    struct wanted w = {key_params, false, key_buffer, key_buffer_size};

    return by_info(&w, key_info, key_info_size);
}

oe_result_t oe_get_private_key(const oe_asymmetric_key_params_t *key_params,
                               const uint8_t *key_info, size_t key_info_size, uint8_t **key_buffer,
                               size_t *key_buffer_size)
{
    struct wanted w = {key_params, true, key_buffer, key_buffer_size};

    return by_info(&w, key_info, key_info_size);
}
/* NOLINTEND(readability-non-const-parameter) */

oe_result_t cm_public_key(struct cm_public_key *k)
{
    if (k->info != NULL) {
        return oe_get_public_key(k->params, k->info, k->info_size, &k->key, &k->key_size);
    }
    return oe_get_public_key_by_policy((oe_seal_policy_t)k->policy, k->params, &k->key,
                                       &k->key_size, &k->new_info, &k->new_info_size);
}
