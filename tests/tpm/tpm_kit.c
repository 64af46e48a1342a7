/* See tpm_kit.h. */
#include "tpm_kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/hash.h"
#include "tpm/tcg_index.h"

void kit_must(bool ok, const char *what)
{
    if (!ok) {
        (void)fprintf(stderr, "tpm_kit: %s failed\n", what);
        abort();
    }
}

struct cm_span kit_text(const char *text)
{
    return cm_span_make(text, strlen(text));
}

const struct cm_privkey *kit_key(enum kit_key key)
{
    static struct cm_privkey *keys[KIT_KEYS];

    if (keys[key] == NULL) {
        kit_must(cm_privkey_generate(key == KIT_P384 ? CM_CURVE_P384 : CM_CURVE_P256,
                                     key == KIT_RSA || key == KIT_OTHER ? 2048 : 0,
                                     &keys[key]) == CM_OK,
                 "making a key");
    }
    return keys[key];
}

const struct cm_pubkey *kit_public(enum kit_key key)
{
    static struct cm_pubkey *keys[KIT_KEYS];

    if (keys[key] == NULL) {
        kit_must(cm_privkey_public(kit_key(key), &keys[key]) == CM_OK, "a public key");
    }
    return keys[key];
}

void kit_defaults(struct kit_quote *q)
{
    memset(q, 0, sizeof(*q));
    q->magic = CM_TPM_MAGIC;
    q->type = CM_TPM_ST_QUOTE;
    q->nonce = kit_text("a nonce of the verifier");
    q->clock = 123456;
    q->resets = 7;
    q->restarts = 3;
    q->safe = 1;
    q->firmware = 0x2019102300163636;
    q->bank[0].alg = CM_TPM_ALG_SHA256;
    q->bank[0].mask = 0xff;
    q->bank_count = 1;
    q->bitmap = 3;
    q->key = KIT_RSA;
    q->scheme = CM_TPM_ALG_RSASSA;
    q->hash = CM_TPM_ALG_SHA256;
    for (unsigned b = 0; b < 4; b++) {
        for (unsigned i = 0; i < 32; i++) {
            memset(q->value[b][i], (int)(16 * b + i + 1), sizeof(q->value[b][i]));
        }
    }
}

static void put_2b(struct cm_wr *w, struct cm_span s)
{
    cm_wr_u16be(w, (uint16_t)s.len);
    cm_wr_bytes(w, s.ptr, s.len);
}

static enum cm_sig_alg alg_of(uint16_t scheme, uint16_t hash)
{
    const enum cm_sig_alg base = scheme == CM_TPM_ALG_RSASSA   ? CM_SIG_RS256
                                 : scheme == CM_TPM_ALG_RSAPSS ? CM_SIG_PS256
                                                               : CM_SIG_ES256;

    return (enum cm_sig_alg)((unsigned)base + (hash == CM_TPM_ALG_SHA384   ? 1u
                                               : hash == CM_TPM_ALG_SHA512 ? 2u
                                                                           : 0u));
}

static void sign(const struct kit_quote *q, struct kit_made *out)
{
    struct cm_wr w = cm_wr_init(out->signature, sizeof(out->signature));
    struct cm_span part = cm_span_make(out->attest, out->attest_len);
    uint8_t sig[CM_SIG_MAX_SIZE];
    size_t len = 0;

    kit_must(cm_privkey_sign(kit_key(q->key), alg_of(q->scheme, q->hash), &part, 1, sig,
                             sizeof(sig), &len) == CM_OK,
             "signing");
    cm_wr_u16be(&w, q->scheme);
    cm_wr_u16be(&w, q->hash);
    if (q->scheme == CM_TPM_ALG_ECDSA) {
        put_2b(&w, cm_span_make(sig, len / 2));
        put_2b(&w, cm_span_make(sig + len / 2, len / 2));
    } else {
        put_2b(&w, cm_span_make(sig, len));
    }
    kit_must(cm_wr_finish(&w) == CM_OK, "a signature");
    out->signature_len = w.used;
}

void kit_make(const struct kit_quote *q, struct kit_made *out)
{
    static const uint8_t name[34] = {0, 11, 1, 2, 3};
    struct cm_wr w = cm_wr_init(out->attest, sizeof(out->attest));
    struct cm_wr v = cm_wr_init(out->values, sizeof(out->values));
    struct cm_span all = {NULL, 0};
    uint8_t digest[64];

    for (size_t b = 0; b < q->bank_count; b++) {
        for (unsigned i = 0; i < 32; i++) {
            if ((q->bank[b].mask >> i & 1) != 0) {
                cm_wr_bytes(&v, q->value[b][i], cm_tpm_hash_size(q->bank[b].alg));
            }
        }
    }
    kit_must(cm_wr_finish(&v) == CM_OK, "values");
    out->values_len = v.used;
    all = cm_span_make(out->values, v.used);
    kit_must(cm_tpm_hash(q->hash, &all, 1, digest) == CM_OK, "a digest");

    cm_wr_u32be(&w, q->magic);
    cm_wr_u16be(&w, q->type);
    put_2b(&w, cm_span_make(name, sizeof(name)));
    put_2b(&w, q->nonce);
    cm_wr_u64be(&w, q->clock);
    cm_wr_u32be(&w, q->resets);
    cm_wr_u32be(&w, q->restarts);
    cm_wr_u8(&w, q->safe);
    cm_wr_u64be(&w, q->firmware);
    cm_wr_u32be(&w, (uint32_t)q->bank_count);
    for (size_t b = 0; b < q->bank_count; b++) {
        cm_wr_u16be(&w, q->bank[b].alg);
        cm_wr_u8(&w, (uint8_t)q->bitmap);
        for (size_t i = 0; i < q->bitmap; i++) {
            cm_wr_u8(&w, i < 4 ? (uint8_t)(q->bank[b].mask >> (8 * i)) : 0);
        }
    }
    put_2b(&w, cm_span_make(digest, cm_tpm_hash_size(q->hash)));
    kit_must(cm_wr_finish(&w) == CM_OK, "an attestation");
    out->attest_len = w.used;
    sign(q, out);
}

size_t kit_tools(const struct kit_bank *bank, size_t bank_count, struct cm_span raw,
                 const uint16_t *algs, uint8_t *out, size_t cap)
{
    struct cm_wr w = cm_wr_init(out, cap);
    size_t total = 0;
    size_t at = 0;

    cm_wr_u32le(&w, (uint32_t)bank_count);
    for (size_t b = 0; b < 16; b++) {
        cm_wr_u16le(&w, b < bank_count ? bank[b].alg : 0);
        cm_wr_u8(&w, b < bank_count ? 3 : 0);
        cm_wr_u32le(&w, b < bank_count ? bank[b].mask : 0);
        cm_wr_u8(&w, 0);
        total += b < bank_count ? (size_t)__builtin_popcount(bank[b].mask) : 0;
    }
    cm_wr_u32le(&w, (uint32_t)((total + 7) / 8));
    for (size_t done = 0; done < total; done += 8) {
        const size_t here = total - done < 8 ? total - done : 8;

        cm_wr_u32le(&w, (uint32_t)here);
        for (size_t i = 0; i < 8; i++) {
            const size_t n = i < here ? cm_tpm_hash_size(algs[done + i]) : 0;

            cm_wr_u16le(&w, (uint16_t)n);
            cm_wr_bytes(&w, raw.ptr + at, n);
            cm_wr_fill(&w, 0, 64 - n);
            at += n;
        }
    }
    kit_must(cm_wr_finish(&w) == CM_OK, "serialised values");
    return w.used;
}

size_t kit_area(enum kit_key key, uint32_t attributes, uint8_t *out, size_t cap)
{
    struct cm_wr w = cm_wr_init(out, cap);
    const bool rsa = key == KIT_RSA || key == KIT_OTHER;
    uint8_t x[66];
    uint8_t y[66];
    uint8_t spki[512];
    size_t len = 0;
    enum cm_curve curve = CM_CURVE_P256;

    cm_wr_u16be(&w, rsa ? CM_TPM_ALG_RSA : CM_TPM_ALG_ECC);
    cm_wr_u16be(&w, CM_TPM_ALG_SHA256);
    cm_wr_u32be(&w, attributes);
    cm_wr_u16be(&w, 0); /* no policy */
    cm_wr_u16be(&w, CM_TPM_ALG_NULL);
    cm_wr_u16be(&w, rsa ? CM_TPM_ALG_RSASSA : CM_TPM_ALG_ECDSA);
    cm_wr_u16be(&w, key == KIT_P384 ? CM_TPM_ALG_SHA384 : CM_TPM_ALG_SHA256);
    if (rsa) {
        kit_must(cm_pubkey_spki(kit_public(key), spki, sizeof(spki), &len) == CM_OK && len == 294,
                 "SPKI");
        cm_wr_u16be(&w, 2048);
        cm_wr_u32be(&w, 0);
        put_2b(&w, cm_span_make(spki + 33, 256)); /* where a 2048-bit modulus stands */
    } else {
        kit_must(cm_pubkey_ec(kit_public(key), &curve, x, y, &len) == CM_OK, "coordinates");
        cm_wr_u16be(&w, key == KIT_P384 ? 4 : 3);
        cm_wr_u16be(&w, CM_TPM_ALG_NULL);
        put_2b(&w, cm_span_make(x, len));
        put_2b(&w, cm_span_make(y, len));
    }
    kit_must(cm_wr_finish(&w) == CM_OK, "a public area");
    return w.used;
}

void kit_log_begin(struct kit_log *log, const uint16_t *algs, size_t alg_count)
{
    memset(log, 0, sizeof(*log));
    log->out = cm_wr_init(log->bytes, sizeof(log->bytes));
    log->alg_count = alg_count;
    if (alg_count == 0) {
        log->alg[0] = CM_TPM_ALG_SHA1;
        return;
    }
    memcpy(log->alg, algs, alg_count * sizeof(algs[0]));
    cm_wr_u32le(&log->out, 0);
    cm_wr_u32le(&log->out, CM_TCG_NO_ACTION);
    cm_wr_fill(&log->out, 0, 20);
    cm_wr_u32le(&log->out, (uint32_t)(16 + 4 + 4 + 4 + 4 * alg_count + 1));
    cm_wr_bytes(&log->out, "Spec ID Event03", 16);
    cm_wr_u32le(&log->out, 0);
    cm_wr_bytes(&log->out, "\0\2\0\2", 4); /* version 2.0, 8-byte words */
    cm_wr_u32le(&log->out, (uint32_t)alg_count);
    for (size_t i = 0; i < alg_count; i++) {
        cm_wr_u16le(&log->out, algs[i]);
        cm_wr_u16le(&log->out, (uint16_t)cm_tpm_hash_size(algs[i]));
    }
    cm_wr_u8(&log->out, 0);
}

void kit_log_event(struct kit_log *log, uint32_t pcr, uint32_t type, struct cm_span hashed,
                   struct cm_span data)
{
    const size_t banks = log->alg_count == 0 ? 1 : log->alg_count;

    cm_wr_u32le(&log->out, pcr);
    cm_wr_u32le(&log->out, type);
    if (log->alg_count != 0) {
        cm_wr_u32le(&log->out, (uint32_t)banks);
    }
    for (size_t b = 0; b < banks; b++) {
        const size_t size = cm_tpm_hash_size(log->alg[b]);
        uint8_t digest[64] = {0};
        struct cm_span parts[2] = {{NULL, 0}, {digest, size}};

        if (type != CM_TCG_NO_ACTION) {
            kit_must(cm_tpm_hash(log->alg[b], &hashed, 1, digest) == CM_OK, "a digest");
            parts[0] = cm_span_make(log->value[b][pcr], size);
            kit_must(cm_tpm_hash(log->alg[b], parts, 2, log->value[b][pcr]) == CM_OK, "extending");
            log->mask |= 1u << pcr;
        }
        if (log->alg_count != 0) {
            cm_wr_u16le(&log->out, log->alg[b]);
        }
        cm_wr_bytes(&log->out, digest, size);
    }
    cm_wr_u32le(&log->out, (uint32_t)data.len);
    cm_wr_bytes(&log->out, data.ptr, data.len);
    kit_must(cm_wr_finish(&log->out) == CM_OK, "an event");
}

void kit_log_data(struct kit_log *log, uint32_t pcr, uint32_t type, struct cm_span data)
{
    kit_log_event(log, pcr, type, data, data);
}

void kit_log_text(struct kit_log *log, uint32_t pcr, uint32_t type, const char *text)
{
    kit_log_data(log, pcr, type, kit_text(text));
}

size_t kit_variable(const char *name, uint8_t value, uint8_t *out)
{
    static const uint8_t guid[16] = {0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11,
                                     0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c};
    struct cm_wr w = cm_wr_init(out, 256);

    cm_wr_bytes(&w, guid, 16);
    cm_wr_u64le(&w, strlen(name));
    cm_wr_u64le(&w, 1);
    for (size_t i = 0; name[i] != '\0'; i++) {
        cm_wr_u16le(&w, (uint8_t)name[i]);
    }
    cm_wr_u8(&w, value);
    kit_must(cm_wr_finish(&w) == CM_OK, "a variable");
    return w.used;
}

struct cm_span kit_log_bytes(const struct kit_log *log)
{
    return cm_span_make(log->bytes, log->out.used);
}

enum cm_status kit_replay(const struct cm_tcg_log *log, uint16_t alg, struct cm_tpm_bank *out)
{
    struct cm_tcg_index index;
    enum cm_status st = cm_tcg_index_make(log, alg, &index);

    if (st == CM_OK) {
        st = cm_tcg_replay(&index, false, out);
        cm_tcg_index_free(&index);
    }
    return st;
}
