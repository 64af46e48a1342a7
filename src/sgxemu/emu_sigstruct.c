/* EINIT's checks of a SIGSTRUCT; see emu_sigstruct.h. */
#include "sgxemu/emu_sigstruct.h"

#include <string.h>

#include "crypto/crypto.h"

#define SIGNED_1_LEN 128u /* header to reserved1 */
#define SIGNED_2_OFF 900u /* miscselect to reserved4 */
#define SIGNED_2_LEN 128u

static const uint8_t header1[16] = {6, 0, 0, 0, 0xe1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0};
static const uint8_t header2[16] = {1, 1, 0, 0, 0x60, 0, 0, 0, 0x60, 0, 0, 0, 1, 0, 0, 0};

static bool all_zero(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (p[i] != 0) {
            return false;
        }
    }
    return true;
}

static bool well_formed(const struct sgx_sigstruct *sig)
{
    return memcmp(sig->header, header1, sizeof(header1)) == 0 &&
           memcmp(sig->header2, header2, sizeof(header2)) == 0 &&
           (sig->vendor == 0 || sig->vendor == 0x8086) && sig->exponent == 3 &&
           all_zero(sig->reserved1, sizeof(sig->reserved1)) &&
           all_zero(sig->reserved2, sizeof(sig->reserved2)) &&
           all_zero(sig->reserved3, sizeof(sig->reserved3)) &&
           all_zero(sig->reserved4, sizeof(sig->reserved4));
}

/* SIGSTRUCT stores numbers least significant byte first, the crypto layer takes them the other way */
static void reverse(uint8_t out[SGX_KEY_SIZE], const uint8_t in[SGX_KEY_SIZE])
{
    for (size_t i = 0; i < SGX_KEY_SIZE; i++) {
        out[i] = in[SGX_KEY_SIZE - 1 - i];
    }
}

static enum cm_status signed_digest(const struct sgx_sigstruct *sig, uint8_t out[32])
{
    uint8_t text[SIGNED_1_LEN + SIGNED_2_LEN];
    const uint8_t *raw = (const uint8_t *)sig;

    memcpy(text, raw, SIGNED_1_LEN);
    memcpy(text + SIGNED_1_LEN, raw + SIGNED_2_OFF, SIGNED_2_LEN);
    return cm_sha256_of(cm_span_make(text, sizeof(text)), out);
}

static int leaf_of(enum cm_status st, int refused)
{
    if (st == CM_OK) {
        return SGX_SUCCESS;
    }
    return st == CM_ERR_SIGNATURE ? refused : CM_EMU_LEAF_FAIL;
}

static int check_signature(const struct sgx_sigstruct *sig)
{
    struct cm_rsa_pub pub;
    uint8_t digest[32] = {0};
    uint8_t signature[SGX_KEY_SIZE];
    uint8_t q1[SGX_KEY_SIZE];
    uint8_t q2[SGX_KEY_SIZE];
    uint8_t given[SGX_KEY_SIZE];
    int ret = 0;

    reverse(pub.modulus, sig->modulus);
    reverse(signature, sig->signature);
    ret = leaf_of(signed_digest(sig, digest), CM_EMU_LEAF_FAIL);
    if (ret == SGX_SUCCESS) {
        ret = leaf_of(cm_rsa_verify(&pub, digest, signature), SGX_INVALID_SIGNATURE);
    }
    if (ret == SGX_SUCCESS) {
        ret = leaf_of(cm_rsa_quotients(&pub, signature, q1, q2), SGX_INVALID_SIGNATURE);
    }
    if (ret != SGX_SUCCESS) {
        return ret;
    }
    reverse(given, sig->q1);
    if (memcmp(given, q1, sizeof(q1)) != 0) {
        return SGX_INVALID_SIGNATURE;
    }
    reverse(given, sig->q2);
    return memcmp(given, q2, sizeof(q2)) == 0 ? SGX_SUCCESS : SGX_INVALID_SIGNATURE;
}

int cm_emu_sigstruct_check(const struct sgx_sigstruct *sig)
{
    if (!well_formed(sig)) {
        return SGX_INVALID_SIG_STRUCT;
    }
    return check_signature(sig);
}

static bool attributes_match(const struct sgx_sigstruct *sig, const struct cm_emu_ident *id)
{
    const struct sgx_attributes mask = sig->attributemask;

    return ((id->attributes.flags ^ sig->attributes.flags) & mask.flags) == 0 &&
           ((id->attributes.xfrm ^ sig->attributes.xfrm) & mask.xfrm) == 0 &&
           ((id->misc ^ sig->miscselect) & sig->miscmask) == 0;
}

int cm_emu_einit_check(const struct sgx_sigstruct *sig, struct cm_emu_ident *id)
{
    uint8_t mrsigner[32] = {0};
    int ret = cm_emu_sigstruct_check(sig);

    if (ret != SGX_SUCCESS) {
        return ret;
    }
    if (memcmp(sig->mrenclave, id->mrenclave, sizeof(id->mrenclave)) != 0) {
        return SGX_INVALID_MEASUREMENT;
    }
    if (!attributes_match(sig, id)) {
        return SGX_INVALID_ATTRIBUTE;
    }
    /* without KSS the two identifiers do not exist, and a signature may not claim them */
    if ((id->attributes.flags & SGX_ATTR_KSS) == 0 &&
        (!all_zero(sig->isvfamilyid, 16) || !all_zero(sig->isvextprodid, 16))) {
        return SGX_INVALID_SIG_STRUCT;
    }
    if (cm_sha256_of(cm_span_make(sig->modulus, sizeof(sig->modulus)), mrsigner) != CM_OK) {
        return CM_EMU_LEAF_FAIL;
    }
    memcpy(id->mrsigner, mrsigner, sizeof(mrsigner));
    memcpy(id->family_id, sig->isvfamilyid, 16);
    memcpy(id->ext_prod_id, sig->isvextprodid, 16);
    id->isvprodid = sig->isvprodid;
    id->isvsvn = sig->isvsvn;
    return SGX_SUCCESS;
}
