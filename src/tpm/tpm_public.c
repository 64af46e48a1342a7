/* TPMT_PUBLIC: keys, names and what a key may sign; see tpm.h. Untrusted: every byte. */
#include <string.h>

#include "crypto/sig_digest.h"
#include "tpm/tpm.h"

static struct cm_span take_2b(struct cm_rd *r)
{
    return cm_rd_take(r, cm_rd_u16be(r));
}

/* TPMT_SYM_DEF_OBJECT */
static void read_symmetric(struct cm_rd *r, struct cm_tpm_public *out)
{
    out->symmetric = cm_rd_u16be(r);
    if (out->symmetric != CM_TPM_ALG_NULL) {
        out->symmetric_bits = cm_rd_u16be(r);
        if (cm_rd_u16be(r) != CM_TPM_ALG_CFB) { /* the only mode of a storage key */
            r->bad = true;
        }
    }
}

/* TPMT_RSA_SCHEME and TPMT_ECC_SCHEME */
static void read_scheme(struct cm_rd *r, struct cm_tpm_public *out)
{
    out->scheme = cm_rd_u16be(r);
    out->scheme_hash = CM_TPM_ALG_NULL;
    if (out->scheme != CM_TPM_ALG_NULL && out->scheme != 0x0015 /* RSAES has no hash */) {
        out->scheme_hash = cm_rd_u16be(r);
    }
    if (out->scheme == CM_TPM_ALG_ECDAA) {
        (void)cm_rd_u16be(r); /* count */
    }
}

static void read_rsa(struct cm_rd *r, struct cm_tpm_public *out)
{
    uint16_t bits = 0;

    read_symmetric(r, out);
    read_scheme(r, out);
    bits = cm_rd_u16be(r);
    out->exponent = cm_rd_u32be(r);
    out->exponent = out->exponent == 0 ? 65537 : out->exponent;
    out->x = take_2b(r);
    if (out->x.len * 8 != bits) {
        r->bad = true;
    }
}

static void read_ecc(struct cm_rd *r, struct cm_tpm_public *out)
{
    read_symmetric(r, out);
    read_scheme(r, out);
    out->curve = cm_rd_u16be(r);
    if (cm_rd_u16be(r) != CM_TPM_ALG_NULL) { /* kdf */
        (void)cm_rd_u16be(r);
    }
    out->x = take_2b(r);
    out->y = take_2b(r);
}

/* TPM2B_PUBLIC is a size in front of TPMT_PUBLIC; the size can be no type. */
static struct cm_span inner(struct cm_span bytes)
{
    struct cm_rd r = cm_rd_init(bytes);

    if (cm_rd_u16be(&r) == r.left && !r.bad && r.left > CM_TPM_ALG_ECC) {
        return cm_rd_rest(&r);
    }
    return bytes;
}

bool cm_tpm_public_recognise(struct cm_span bytes)
{
    struct cm_span in = inner(bytes);
    struct cm_rd r = cm_rd_init(in);
    uint16_t type = cm_rd_u16be(&r);

    return (type == CM_TPM_ALG_RSA || type == CM_TPM_ALG_ECC) &&
           cm_tpm_hash_size(cm_rd_u16be(&r)) != 0;
}

enum cm_status cm_tpm_public_parse(struct cm_span bytes, struct cm_tpm_public *out,
                                   struct cm_why *why)
{
    struct cm_span in = inner(bytes);
    struct cm_rd r = cm_rd_init(in);

    memset(out, 0, sizeof(*out));
    out->bytes = in;
    out->type = cm_rd_u16be(&r);
    out->name_alg = cm_rd_u16be(&r);
    out->attributes = cm_rd_u32be(&r);
    out->auth_policy = take_2b(&r);
    if (out->type == CM_TPM_ALG_RSA) {
        read_rsa(&r, out);
    } else if (out->type == CM_TPM_ALG_ECC) {
        read_ecc(&r, out);
    } else {
        cm_why_set(why, "the TPM's public area is of type 0x%04x, not of an RSA or EC key",
                   out->type);
        return r.bad ? CM_ERR_FORMAT : CM_ERR_UNSUPPORTED;
    }
    if (cm_rd_finish(&r) != CM_OK || cm_tpm_hash_size(out->name_alg) == 0) {
        cm_why_set(why, "the TPM's public area is truncated, too long or of impossible sizes");
        return CM_ERR_FORMAT;
    }
    return CM_OK;
}

/* The numbers of a public area as keys are made of them. */
struct numbers {
    uint8_t exponent[4];
    struct cm_span e;
    enum cm_curve curve;
    uint8_t xy[2][66];
    size_t size;
};

static enum cm_status read_numbers(const struct cm_tpm_public *pub, struct numbers *out)
{
    static const enum cm_curve curves[] = {CM_CURVE_P256, CM_CURVE_P384, CM_CURVE_P521};
    static const size_t sizes[] = {32, 48, 66};

    memset(out, 0, sizeof(*out));
    if (pub->type == CM_TPM_ALG_RSA) {
        for (unsigned i = 0; i < 4; i++) {
            out->exponent[i] = (uint8_t)(pub->exponent >> (24 - 8 * i));
        }
        out->e = cm_span_make(out->exponent, sizeof(out->exponent));
        while (out->e.len > 1 && out->e.ptr[0] == 0) {
            out->e.ptr++;
            out->e.len--;
        }
        return CM_OK;
    }
    if (pub->curve < 3 || pub->curve > 5) {
        return CM_ERR_UNSUPPORTED;
    }
    out->curve = curves[pub->curve - 3];
    out->size = sizes[pub->curve - 3];
    if (pub->x.len > out->size || pub->y.len > out->size) {
        return CM_ERR_FORMAT;
    }
    memcpy(out->xy[0] + out->size - pub->x.len, pub->x.ptr, pub->x.len);
    memcpy(out->xy[1] + out->size - pub->y.len, pub->y.ptr, pub->y.len);
    return CM_OK;
}

enum cm_status cm_tpm_public_key(const struct cm_tpm_public *pub, struct cm_pubkey **out)
{
    struct numbers n;
    enum cm_status st = read_numbers(pub, &n);

    *out = NULL;
    if (st != CM_OK) {
        return st;
    }
    return pub->type == CM_TPM_ALG_RSA ? cm_pubkey_from_rsa(pub->x, n.e, out)
                                       : cm_pubkey_from_ec(n.curve, cm_span_make(n.xy[0], n.size),
                                                           cm_span_make(n.xy[1], n.size), out);
}

enum cm_status cm_tpm_public_match(const struct cm_tpm_public *pub, const struct cm_pubkey *key)
{
    struct numbers n;
    struct cm_pubkey *own = NULL;
    enum cm_status st = read_numbers(pub, &n);

    if (st == CM_OK && pub->type == CM_TPM_ALG_RSA && cm_pubkey_made_of_rsa(key, pub->x, n.e)) {
        return CM_OK; /* nearly always; making a key takes half as long as its verification */
    }
    st = st == CM_OK ? cm_tpm_public_key(pub, &own) : st;
    if (st == CM_OK && !cm_pubkey_equal(own, key)) {
        st = CM_ERR_MISMATCH;
    }
    cm_pubkey_free(own);
    return st;
}

enum cm_status cm_tpm_public_name(const struct cm_tpm_public *pub, uint8_t *out, size_t *len)
{
    enum cm_status st = cm_tpm_hash(pub->name_alg, &pub->bytes, 1, out + 2);

    if (st == CM_OK) {
        out[0] = (uint8_t)(pub->name_alg >> 8);
        out[1] = (uint8_t)pub->name_alg;
        *len = 2 + cm_tpm_hash_size(pub->name_alg);
    }
    return st;
}

enum cm_status cm_tpm_public_is_ak(const struct cm_tpm_public *pub, struct cm_why *why)
{
    static const struct {
        uint32_t bit;
        bool wanted;
        const char *what;
    } rules[] = {
        {CM_TPM_RESTRICTED, true, "it is not restricted, so it signs any forged attestation"},
        {CM_TPM_SIGN, true, "it is not for signing"},
        {CM_TPM_DECRYPT, false, "it is for decryption as well"},
        {CM_TPM_FIXED_TPM, true, "it is not fixed to its TPM, so it may be elsewhere as well"},
        {CM_TPM_SENSITIVE, true, "it was not made by its TPM"},
    };

    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        if (((pub->attributes & rules[i].bit) != 0) != rules[i].wanted) {
            cm_why_set(why, "the attestation key's attributes (0x%08x): %s", pub->attributes,
                       rules[i].what);
            return CM_ERR_POLICY;
        }
    }
    return CM_OK;
}
