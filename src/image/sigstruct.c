/*
 * SIGSTRUCT (SDM Vol. 3D, "Enclave Signature Structure"): build, sign, check.
 * Numbers in it are least significant byte first. UNTRUSTED: a SIGSTRUCT that
 * came with a file.
 */
#include <string.h>

#include "arch/sgx.h"
#include "common/reader.h"
#include "common/try.h"
#include "common/wipe.h"
#include "common/writer.h"
#include "crypto/crypto.h"
#include "image/image.h"

enum {
    MODULUS_OFF = 128,
    EXPONENT_OFF = 512,
    SIGNATURE_OFF = 516,
    BODY_OFF = 900,
    Q1_OFF = 1040,
    Q2_OFF = 1424,
    NUMBER = 384,
    SIGNED_1 = 128, /* bytes 0..127 and 900..1027 are signed */
    SIGNED_2 = 128,
    RESERVED_1 = 84,
    RESERVED_2 = 4,
    RESERVED_3 = 16,
    RESERVED_4 = 12,
    EXPONENT = 3,
    VENDOR_INTEL = 0x8086,
};

static const uint8_t header1[16] = {6, 0, 0, 0, 0xe1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0};
static const uint8_t header2[16] = {1, 1, 0, 0, 0x60, 0, 0, 0, 0x60, 0, 0, 0, 1, 0, 0, 0};

static void reverse(uint8_t *out, const uint8_t *in, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        out[i] = in[n - 1 - i];
    }
}

/* Eight decimal digits that name a day. */
static bool is_date(uint32_t bcd)
{
    const uint32_t month = (bcd >> 12 & 0xfU) * 10 + (bcd >> 8 & 0xfU);
    const uint32_t day = (bcd >> 4 & 0xfU) * 10 + (bcd & 0xfU);

    for (unsigned int shift = 0; shift < 32; shift += 4) {
        if ((bcd >> shift & 0xfU) > 9) {
            return false;
        }
    }
    return month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

enum cm_status cm_sigstruct_build(const struct cm_enclave_props *props,
                                  const uint8_t mrenclave[CM_MRENCLAVE_SIZE], uint32_t date,
                                  uint8_t out[CM_SIGSTRUCT_SIZE])
{
    const struct cm_secs_attrs attrs = cm_props_secs(props, cm_props_debug_allowed(props), 0);
    const uint64_t free_attributes = cm_props_debug_allowed(props) ? SGX_ATTR_DEBUG : 0;
    struct cm_wr w = cm_wr_init(out, CM_SIGSTRUCT_SIZE);

    if (!is_date(date)) {
        return CM_ERR_PARAM;
    }
    cm_wr_bytes(&w, header1, sizeof(header1));
    cm_wr_u32le(&w, 0); /* VENDOR: not Intel */
    cm_wr_u32le(&w, date);
    cm_wr_bytes(&w, header2, sizeof(header2));
    cm_wr_u32le(&w, 0); /* SWDEFINED */
    cm_wr_fill(&w, 0, RESERVED_1 + NUMBER + sizeof(uint32_t) + NUMBER);
    cm_wr_u32le(&w, attrs.misc);
    cm_wr_u32le(&w, UINT32_MAX);
    cm_wr_fill(&w, 0, RESERVED_2);
    cm_wr_bytes(&w, props->family_id, sizeof(props->family_id));
    cm_wr_u64le(&w, attrs.attributes);
    cm_wr_u64le(&w, attrs.xfrm);
    /* G2: a mask that mirrored the attributes would leave every bit that is 0 unchecked */
    cm_wr_u64le(&w, ~free_attributes);
    cm_wr_u64le(&w, ~(SGX_XFRM_YMM | SGX_XFRM_ZMM));
    cm_wr_bytes(&w, mrenclave, CM_MRENCLAVE_SIZE);
    cm_wr_fill(&w, 0, RESERVED_3);
    cm_wr_bytes(&w, props->extended_product_id, sizeof(props->extended_product_id));
    cm_wr_u16le(&w, props->product_id);
    cm_wr_u16le(&w, props->security_version);
    cm_wr_fill(&w, 0, RESERVED_4 + NUMBER + NUMBER);
    return cm_wr_finish(&w);
}

enum cm_status cm_sigstruct_digest(const uint8_t sigstruct[CM_SIGSTRUCT_SIZE], uint8_t out[32])
{
    enum cm_status st = CM_OK;
    struct cm_sha256 *h = NULL;

    CM_TRY(cm_sha256_create(&h));
    CM_TRY(cm_sha256_update(h, sigstruct, SIGNED_1));
    CM_TRY(cm_sha256_update(h, sigstruct + BODY_OFF, SIGNED_2));
    CM_TRY(cm_sha256_final(h, out));
out:
    cm_sha256_free(h);
    return st;
}

enum cm_status cm_sigstruct_attach(uint8_t sigstruct[CM_SIGSTRUCT_SIZE],
                                   const struct cm_rsa_pub *pub, const uint8_t signature[384],
                                   struct cm_why *why)
{
    enum cm_status st = CM_OK;
    uint8_t digest[CM_SHA256_SIZE] = {0};
    uint8_t q1[NUMBER] = {0};
    uint8_t q2[NUMBER] = {0};
    static const uint8_t exponent[4] = {EXPONENT, 0, 0, 0};

    CM_TRY(cm_sigstruct_digest(sigstruct, digest));
    st = cm_rsa_verify(pub, digest, signature);
    if (st != CM_OK) {
        if (st == CM_ERR_SIGNATURE) {
            cm_why_set(why, "the signature is not this key's RSA-3072 PKCS#1 v1.5 signature of "
                            "this enclave's digest");
        }
        goto out;
    }
    CM_TRY(cm_rsa_quotients(pub, signature, q1, q2));
    reverse(sigstruct + MODULUS_OFF, pub->modulus, NUMBER);
    memcpy(sigstruct + EXPONENT_OFF, exponent, sizeof(exponent));
    reverse(sigstruct + SIGNATURE_OFF, signature, NUMBER);
    reverse(sigstruct + Q1_OFF, q1, NUMBER);
    reverse(sigstruct + Q2_OFF, q2, NUMBER);
out:
    return st;
}

enum cm_status cm_sigstruct_sign(uint8_t sigstruct[CM_SIGSTRUCT_SIZE], const struct cm_rsa_key *key,
                                 struct cm_why *why)
{
    enum cm_status st = CM_OK;
    uint8_t digest[CM_SHA256_SIZE] = {0};
    uint8_t signature[CM_RSA3072_SIZE] = {0};
    struct cm_rsa_pub pub = {{0}};

    CM_TRY(cm_rsa_key_pub(key, &pub));
    CM_TRY(cm_sigstruct_digest(sigstruct, digest));
    CM_TRY(cm_rsa_sign(key, digest, signature));
    CM_TRY(cm_sigstruct_attach(sigstruct, &pub, signature, why));
out:
    return st;
}

static void read_body(struct cm_rd *r, struct cm_sigstruct *s)
{
    s->attrs.misc = cm_rd_u32le(r);
    s->mask.misc = cm_rd_u32le(r);
    cm_rd_zero(r, RESERVED_2);
    cm_rd_copy(r, s->family_id, sizeof(s->family_id));
    s->attrs.attributes = cm_rd_u64le(r);
    s->attrs.xfrm = cm_rd_u64le(r);
    s->mask.attributes = cm_rd_u64le(r);
    s->mask.xfrm = cm_rd_u64le(r);
    cm_rd_copy(r, s->mrenclave, sizeof(s->mrenclave));
    cm_rd_zero(r, RESERVED_3);
    cm_rd_copy(r, s->extended_product_id, sizeof(s->extended_product_id));
    s->product_id = cm_rd_u16le(r);
    s->security_version = cm_rd_u16le(r);
    cm_rd_zero(r, RESERVED_4);
}

enum cm_status cm_sigstruct_parse(struct cm_span sigstruct, struct cm_sigstruct *out)
{
    enum cm_status st = CM_OK;
    struct cm_sigstruct s = {0};
    struct cm_rd r = cm_rd_init(sigstruct);
    const struct cm_span h1 = cm_rd_take(&r, sizeof(header1));

    s.vendor = cm_rd_u32le(&r);
    s.date = cm_rd_u32le(&r);
    const struct cm_span h2 = cm_rd_take(&r, sizeof(header2));

    s.swdefined = cm_rd_u32le(&r);
    cm_rd_zero(&r, RESERVED_1);
    const struct cm_span modulus = cm_rd_take(&r, NUMBER);
    const uint32_t exponent = cm_rd_u32le(&r);

    cm_rd_copy(&r, s.signature, sizeof(s.signature));
    read_body(&r, &s);
    (void)cm_rd_take(&r, NUMBER);
    (void)cm_rd_take(&r, NUMBER);
    CM_TRY(cm_rd_finish(&r));
    if (memcmp(h1.ptr, header1, sizeof(header1)) != 0 ||
        memcmp(h2.ptr, header2, sizeof(header2)) != 0 ||
        (s.vendor != 0 && s.vendor != VENDOR_INTEL) || !is_date(s.date) || exponent != EXPONENT) {
        st = CM_ERR_FORMAT;
        goto out;
    }
    CM_TRY(cm_sha256_of(modulus, s.mrsigner));
    *out = s;
out:
    if (st != CM_OK) {
        memset(out, 0, sizeof(*out));
    }
    return st;
}

/* The signature, and the two quotients that EINIT takes for granted when it verifies with them. */
static enum cm_status check_numbers(const uint8_t *bytes, struct cm_why *why)
{
    enum cm_status st = CM_OK;
    struct cm_rsa_pub pub = {{0}};
    uint8_t digest[CM_SHA256_SIZE] = {0};
    uint8_t signature[NUMBER] = {0};
    uint8_t q1[NUMBER] = {0};
    uint8_t q2[NUMBER] = {0};
    uint8_t stored[NUMBER] = {0};
    bool equal = false;

    reverse(pub.modulus, bytes + MODULUS_OFF, NUMBER);
    reverse(signature, bytes + SIGNATURE_OFF, NUMBER);
    CM_TRY(cm_sigstruct_digest(bytes, digest));
    st = cm_rsa_verify(&pub, digest, signature);
    if (st != CM_OK) {
        cm_why_set(why, "the enclave's signature does not verify");
        goto out;
    }
    CM_TRY(cm_rsa_quotients(&pub, signature, q1, q2));
    reverse(stored, bytes + Q1_OFF, NUMBER);
    equal = cm_ct_equal(stored, q1, NUMBER);
    reverse(stored, bytes + Q2_OFF, NUMBER);
    equal = cm_ct_equal(stored, q2, NUMBER) && equal;
    if (!equal) {
        cm_why_set(why, "q1 or q2 of the enclave's signature is wrong");
        st = CM_ERR_SIGNATURE;
    }
out:
    return st;
}

enum cm_status cm_sigstruct_check(struct cm_span sigstruct, struct cm_sigstruct *out,
                                  struct cm_why *why)
{
    enum cm_status st = CM_OK;
    struct cm_sigstruct s = {0};

    st = cm_sigstruct_parse(sigstruct, &s);
    if (st != CM_OK) {
        cm_why_set(why, "the SIGSTRUCT is malformed (a constant, a reserved byte, the date or the "
                        "exponent)");
        goto out;
    }
    CM_TRY(check_numbers(sigstruct.ptr, why));
out:
    if (out != NULL) {
        memset(out, 0, sizeof(*out));
        if (st == CM_OK) {
            *out = s;
        }
    }
    return st;
}
