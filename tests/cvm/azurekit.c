/* Azure's evidence of our own; see azurekit.h. */
#include "azurekit.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/hex.h"
#include "common/span.h"
#include "crypto/hash.h"
#include "token/base64.h"

static void must(bool ok)
{
    if (!ok) {
        (void)fprintf(stderr, "azurekit: failed\n");
        exit(1);
    }
}

void vm_init(struct vm *v)
{
    memset(v, 0, sizeof(*v));
    sk_init(&v->snp, "Milan");
    v->version = 1;
    v->request = 2;
    v->kind = 2;
    v->hash = 1;
    v->kid = "HCLAkPub";
    v->more_keys = "";
    v->key_ops = "sign";
    v->ak = ck_key("rsa2048", 5);
    v->signer = v->ak;
    v->nonce = "challenge";
    v->selected = 0xffffff;
    for (size_t i = 0; i < sizeof(v->pcrs); i++) {
        v->pcrs[i] = (uint8_t)(i / 32 + 1);
    }
}

static void put_le(uint8_t *at, uint32_t value)
{
    for (size_t i = 0; i < 4; i++) {
        at[i] = (uint8_t)(value >> (8 * i));
    }
}

static void write_runtime(struct vm *v)
{
    BIGNUM *n = NULL;
    uint8_t raw[256];
    char text[400] = "";
    size_t len = 0;

    must(EVP_PKEY_get_bn_param(v->ak, OSSL_PKEY_PARAM_RSA_N, &n) == 1 &&
         BN_bn2binpad(n, raw, 256) == 256);
    BN_free(n);
    must(cm_base64url_encode(cm_span_make(raw, 256), text, sizeof(text) - 1, &len) == CM_OK);
    (void)snprintf(v->runtime, sizeof(v->runtime),
                   "{\"keys\":[{\"kid\":\"%s\",\"key_ops\":[\"%s\"],\"kty\":\"RSA\",\"e\":\"AQAB\","
                   "\"n\":\"%.*s\"}%s],\"vm-configuration\":{\"console-enabled\":false,"
                   "\"secure-boot\":true,\"vmUniqueId\":\"1-2-3\"},\"user-data\":\"%s\"}",
                   v->kid, v->key_ops, (int)len, text, v->more_keys,
                   v->user_data == NULL ? "" : v->user_data);
}

static void make_td_quote(struct vm *v)
{
    struct pki_spec spec;

    pki_defaults(&spec, 4, 2);
    memcpy(spec.body + 520, v->snp.report_data, 64);
    spec.body[520] ^= v->td_other ? 1 : 0;
    v->td = pki_make(&spec);
    must(v->td->quote.len + 64 <= sizeof(v->td_quote));
    memset(v->td_quote, 0, sizeof(v->td_quote));
    memcpy(v->td_quote, v->td->quote.ptr, v->td->quote.len);
    v->td_quote_len = v->td->quote.len + 64; /* padded, as Azure's service does */
    v->snp.materials[6] =
        (struct cm_material){CM_MATERIAL_QUOTE, "td", {v->td_quote, v->td_quote_len}};
}

void vm_free(struct vm *v)
{
    if (v->td != NULL) {
        pki_free(v->td);
        v->td = NULL;
    }
}

static void write_hcl(struct vm *v)
{
    static const enum cm_hash_alg algs[] = {CM_HASH_SHA256, CM_HASH_SHA384, CM_HASH_SHA512};
    enum cm_hash_alg alg = algs[v->hash >= 1 && v->hash <= 3 ? v->hash - 1 : 0];
    size_t len = strlen(v->runtime);
    size_t hashed = v->hashed == 0 ? len : v->hashed;
    uint8_t *b = v->blob;

    memset(v->snp.report_data, 0, 64);
    memcpy(b + 0x4D4, v->runtime, len);
    must(cm_hash(alg, cm_span_make(b + 0x4D4, hashed), v->snp.report_data) == CM_OK);
    v->snp.report_data[63] |= v->tail;
    sk_build(&v->snp);
    memcpy(b, "HCLA", 4);
    put_le(b + 4, v->version);
    put_le(b + 8, (uint32_t)(32 + 1184 + 20 + len));
    put_le(b + 12, v->request);
    put_le(b + 16, v->status);
    memcpy(b + 0x20, v->snp.report, 1184);
    if (v->kind == 4) { /* a TDREPORT instead, and the TD quote of the same data */
        memset(b + 0x20, 0, 1184);
        b[0x20] = 0x81;
        memcpy(b + 0x20 + 128, v->snp.report_data, 64);
        make_td_quote(v);
    }
    put_le(b + 0x4C0, (uint32_t)(20 + len));
    put_le(b + 0x4C4, 1);
    put_le(b + 0x4C8, v->kind);
    put_le(b + 0x4CC, v->hash);
    put_le(b + 0x4D0, (uint32_t)((int)len + v->var_extra));
    v->blob_len = 2600;
}

/* TPMS_ATTEST of the selected values, and its signature */
static void write_quote(struct vm *v)
{
    uint8_t *q = v->quote;
    size_t nonce = v->nonce_len != 0 ? v->nonce_len : strlen(v->nonce);
    uint8_t all[24 * 32];
    size_t n = 0;
    size_t at = 0;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    memcpy(q, "\xff\x54\x43\x47\x80\x18\x00\x02\x00\x0b\x00", 11);
    at = 10;
    q[at++] = 0;
    q[at++] = (uint8_t)nonce;
    memcpy(q + at, v->nonce, nonce);
    at += nonce;
    memset(q + at, 0, 25); /* clock info, firmware version */
    q[at + 16] = 1;        /* safe */
    at += 25;
    memcpy(q + at, "\x00\x00\x00\x01\x00\x0b\x03", 7);
    at += 7;
    for (size_t i = 0; i < 3; i++) {
        q[at++] = (uint8_t)(v->selected >> (8 * i));
    }
    q[at++] = 0;
    q[at++] = 32;
    for (size_t i = 0; i < 24; i++) {
        if ((v->selected >> i & 1) != 0) {
            memcpy(all + n, v->pcrs + 32 * i, 32);
            n += 32;
        }
    }
    must(cm_hash(CM_HASH_SHA256, cm_span_make(all, n), q + at) == CM_OK);
    v->quote_len = at + 32;
    v->signature_len = sizeof(v->signature);
    must(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, v->signer) == 1 &&
         EVP_DigestSign(ctx, v->signature, &v->signature_len, q, v->quote_len) == 1);
    EVP_MD_CTX_free(ctx);
}

void vm_build(struct vm *v)
{
    struct sk_world *w = &v->snp;

    write_runtime(v);
    write_hcl(v);
    write_quote(v);
    w->materials[3] = (struct cm_material){CM_MATERIAL_QUOTE, "quote", {v->quote, v->quote_len}};
    w->materials[4] =
        (struct cm_material){CM_MATERIAL_SIGNATURE, "signature", {v->signature, v->signature_len}};
    w->materials[5] = (struct cm_material){CM_MATERIAL_PCRS, "pcrs", {v->pcrs, sizeof(v->pcrs)}};
    w->material_count = v->kind == 4 ? 7 : 6;
    if (v->kind == 4) {
        w->in.roots = &v->td->root;
        w->in.now = PKI_NOW;
    }
}

static size_t hex(char *out, const uint8_t *bytes, size_t len)
{
    cm_hex_encode(cm_span_make(bytes, len), CM_HEX_LOWER, out);
    return 2 * len;
}

/* Trustee's JSON, version 1 or 2, of count values */
size_t vm_json(struct vm *v, int version, size_t count)
{
    char *p = v->json;
    size_t len = 0;

    p += sprintf(p, "{\"version\":%d,\"tpm_quote\":{\"signature\":\"", version);
    p += hex(p, v->signature, v->signature_len);
    p += sprintf(p, "\",\"message\":\"");
    p += hex(p, v->quote, v->quote_len);
    p += sprintf(p, "\",\"pcrs\":[");
    for (size_t i = 0; i < count; i++) {
        p += sprintf(p, "%s\"", i == 0 ? "" : ",");
        p += hex(p, v->pcrs + 32 * i, 32);
        p += sprintf(p, "\"");
    }
    p += sprintf(p, "]},\"hcl_report\":\"");
    must(cm_base64url_encode(cm_span_make(v->blob, v->blob_len), p, 8192, &len) == CM_OK);
    p += len;
    p += sprintf(p, "\",\"%s\":\"", v->kind == 4 ? "td_quote" : "vcek");
    must(cm_base64url_encode(v->kind == 4 ? cm_span_make(v->td_quote, v->td_quote_len)
                                          : v->snp.materials[2].bytes,
                             p, 16384, &len) == CM_OK);
    p += len;
    p += sprintf(p, "\"}");
    v->snp.material_count = 2; /* root and intermediate are the caller's */
    return (size_t)(p - v->json);
}
