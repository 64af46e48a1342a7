/* TPMS_ATTEST, TPMT_SIGNATURE and algorithm identifiers; see tpm.h. Untrusted: every byte. */
#include <string.h>

#include "crypto/sig_digest.h"
#include "tpm/tpm.h"

static const struct {
    uint16_t alg;
    uint16_t size;
    const char *name;
} hashes[] = {
    {CM_TPM_ALG_SHA1, 20, "sha-1"},        {CM_TPM_ALG_SHA256, 32, "sha-256"},
    {CM_TPM_ALG_SHA384, 48, "sha-384"},    {CM_TPM_ALG_SHA512, 64, "sha-512"},
    {CM_TPM_ALG_SM3_256, 32, "sm3"},       {CM_TPM_ALG_SHA3_256, 32, "sha3-256"},
    {CM_TPM_ALG_SHA3_384, 48, "sha3-384"}, {CM_TPM_ALG_SHA3_512, 64, "sha3-512"},
};

size_t cm_tpm_hash_size(uint16_t alg)
{
    for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++) {
        if (hashes[i].alg == alg) {
            return hashes[i].size;
        }
    }
    return 0;
}

const char *cm_tpm_hash_name(uint16_t alg)
{
    for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++) {
        if (hashes[i].alg == alg) {
            return hashes[i].name;
        }
    }
    return NULL;
}

const char *cm_tpm_pcr_name(unsigned pcr)
{
    static const char names[CM_TPM_PCRS][6] = {
        "pcr0",  "pcr1",  "pcr2",  "pcr3",  "pcr4",  "pcr5",  "pcr6",  "pcr7",
        "pcr8",  "pcr9",  "pcr10", "pcr11", "pcr12", "pcr13", "pcr14", "pcr15",
        "pcr16", "pcr17", "pcr18", "pcr19", "pcr20", "pcr21", "pcr22", "pcr23",
        "pcr24", "pcr25", "pcr26", "pcr27", "pcr28", "pcr29", "pcr30", "pcr31"};

    return pcr < CM_TPM_PCRS ? names[pcr] : "pcr";
}

static struct cm_span take_2b(struct cm_rd *r)
{
    return cm_rd_take(r, cm_rd_u16be(r));
}

/* One TPMS_PCR_SELECTION; the bitmap's first byte holds PCR 0 to 7, lowest bit first. */
static enum cm_status read_selection(struct cm_rd *r, struct cm_tpm_selection *out,
                                     struct cm_why *why)
{
    struct cm_span map = {NULL, 0};

    out->alg = cm_rd_u16be(r);
    map = cm_rd_take(r, cm_rd_u8(r));
    out->mask = 0;
    for (size_t i = 0; i < map.len; i++) {
        if (i >= CM_TPM_PCRS / 8) {
            cm_why_set(why, "a selection of PCRs has %zu bytes", map.len);
            return CM_ERR_FORMAT;
        }
        out->mask |= (uint32_t)map.ptr[i] << (8 * i);
    }
    if (!r->bad && cm_tpm_hash_size(out->alg) == 0) {
        cm_why_set(why, "a selection names an unknown hash 0x%04x", out->alg);
        return CM_ERR_UNSUPPORTED;
    }
    return CM_OK;
}

static enum cm_status read_quote(struct cm_rd *r, struct cm_tpm_attest *out, struct cm_why *why)
{
    uint32_t count = cm_rd_u32be(r);

    if (!r->bad && count > CM_TPM_MAX_SELECTION) {
        cm_why_set(why, "the quote selects from %u banks", count);
        return CM_ERR_FORMAT;
    }
    for (uint32_t i = 0; i < count && !r->bad; i++) {
        enum cm_status st = read_selection(r, &out->sel[i], why);

        if (st != CM_OK) {
            return st;
        }
        out->sel_count++;
    }
    out->pcr_digest = take_2b(r);
    return CM_OK;
}

enum cm_status cm_tpm_attest_parse(struct cm_span bytes, struct cm_tpm_attest *out,
                                   struct cm_why *why)
{
    struct cm_rd r = cm_rd_init(bytes);
    enum cm_status st = CM_OK;
    uint16_t type = 0;
    uint8_t safe = 0;

    memset(out, 0, sizeof(*out));
    out->bytes = bytes;
    if (cm_rd_u32be(&r) != CM_TPM_MAGIC) {
        cm_why_set(why, "it does not begin with the TPM's own mark (TPM_GENERATED_VALUE)");
        return CM_ERR_FORMAT;
    }
    type = cm_rd_u16be(&r);
    if (!r.bad && type != CM_TPM_ST_QUOTE) {
        cm_why_set(why, "it is an attestation of type 0x%04x, not a quote", type);
        return CM_ERR_UNSUPPORTED;
    }
    out->signer = take_2b(&r);
    out->extra_data = take_2b(&r);
    out->clock = cm_rd_u64be(&r);
    out->reset_count = cm_rd_u32be(&r);
    out->restart_count = cm_rd_u32be(&r);
    safe = cm_rd_u8(&r);
    out->safe = safe == 1;
    out->firmware_version = cm_rd_u64be(&r);
    st = read_quote(&r, out, why);
    if (st != CM_OK) {
        return st;
    }
    if (cm_rd_finish(&r) != CM_OK || safe > 1 || out->signer.len > 2 + CM_TPM_MAX_DIGEST ||
        out->extra_data.len > 2 + CM_TPM_MAX_DIGEST || out->pcr_digest.len > CM_TPM_MAX_DIGEST) {
        cm_why_set(why, "the quote is truncated, too long or has a field of impossible size");
        return CM_ERR_FORMAT;
    }
    return CM_OK;
}

enum cm_status cm_tpm_signature_parse(struct cm_span bytes, bool raw_ok,
                                      struct cm_tpm_signature *out, struct cm_why *why)
{
    struct cm_rd r = cm_rd_init(bytes);

    memset(out, 0, sizeof(*out));
    out->scheme = cm_rd_u16be(&r);
    out->hash = cm_rd_u16be(&r);
    out->r = take_2b(&r);
    if (out->scheme == CM_TPM_ALG_ECDSA || out->scheme == CM_TPM_ALG_ECDAA) {
        out->s = take_2b(&r);
    }
    if (cm_rd_finish(&r) == CM_OK && out->r.len != 0) {
        if (out->scheme == CM_TPM_ALG_RSASSA || out->scheme == CM_TPM_ALG_RSAPSS ||
            (out->scheme == CM_TPM_ALG_ECDSA && out->s.len != 0)) {
            return CM_OK;
        }
        if (!raw_ok) {
            cm_why_set(why, "the signature's scheme 0x%04x is not one that is verified",
                       out->scheme);
            return CM_ERR_UNSUPPORTED;
        }
    }
    if (!raw_ok || bytes.len == 0 || bytes.len > CM_SIG_MAX_SIZE) {
        cm_why_set(why, "it is no signature of a TPM (TPMT_SIGNATURE)");
        return CM_ERR_FORMAT;
    }
    memset(out, 0, sizeof(*out));
    out->scheme = CM_TPM_ALG_NULL;
    out->r = bytes;
    return CM_OK;
}

/* A number of at most half bytes, right-aligned. TPMs leave leading zeros out, or do not. */
static bool place(struct cm_span number, uint8_t *out, size_t half)
{
    while (number.len > half && number.ptr[0] == 0) {
        number.ptr++;
        number.len--;
    }
    if (number.len > half) {
        return false;
    }
    memset(out, 0, half);
    memcpy(out + half - number.len, number.ptr, number.len);
    return true;
}

static enum cm_status verify_ec(const struct cm_tpm_signature *sig, const struct cm_pubkey *ak,
                                size_t half, struct cm_span digest)
{
    uint8_t raw[2 * 66] = {0};
    struct cm_span rs = cm_span_make(raw, 2 * half);

    if (sig->scheme == CM_TPM_ALG_ECDSA) {
        if (!place(sig->r, raw, half) || !place(sig->s, raw + half, half)) {
            return CM_ERR_SIGNATURE;
        }
    } else if (cm_ecdsa_raw(sig->r, raw, 2 * half) != CM_OK) {
        rs = sig->r;
    }
    return cm_pubkey_verify_digest(ak, CM_SCHEME_ECDSA, digest, rs);
}

/* The hash that a raw signature was made with: the quote's digest is made with the same one. */
static uint16_t hash_by_size(size_t len)
{
    return len == 32   ? CM_TPM_ALG_SHA256
           : len == 48 ? CM_TPM_ALG_SHA384
           : len == 64 ? CM_TPM_ALG_SHA512
                       : CM_TPM_ALG_NULL;
}

enum cm_status cm_tpm_signature_verify(const struct cm_tpm_signature *sig,
                                       const struct cm_tpm_attest *att, const struct cm_pubkey *ak,
                                       uint16_t *hash)
{
    const bool raw = sig->scheme == CM_TPM_ALG_NULL;
    uint8_t digest[CM_TPM_MAX_DIGEST] = {0};
    struct cm_span over = {NULL, 0};
    size_t size = 0;
    bool is_ec = cm_pubkey_is_ec(ak, &size);
    enum cm_status st = CM_OK;

    *hash = raw ? hash_by_size(att->pcr_digest.len) : sig->hash;
    st = cm_tpm_hash(*hash, &att->bytes, 1, digest);
    if (st != CM_OK) {
        return st;
    }
    over = cm_span_make(digest, cm_tpm_hash_size(*hash));
    if (!raw && is_ec != (sig->scheme == CM_TPM_ALG_ECDSA)) {
        return CM_ERR_MISMATCH;
    }
    if (is_ec) {
        return verify_ec(sig, ak, size, over);
    }
    if (sig->scheme == CM_TPM_ALG_RSAPSS) {
        return cm_pubkey_verify_digest(ak, CM_SCHEME_PSS, over, sig->r);
    }
    st = cm_pubkey_verify_digest(ak, CM_SCHEME_PKCS1, over, sig->r);
    if (st == CM_ERR_SIGNATURE && raw) {
        st = cm_pubkey_verify_digest(ak, CM_SCHEME_PSS, over, sig->r);
    }
    return st;
}
