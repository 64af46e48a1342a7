/* See nitrokit.h. */
#include "nitrokit.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/hash.h"
#include "token/cbor.h"
#include "token/cose.h"

const struct cm_privkey *nk_key(int index)
{
    static struct cm_privkey *keys[6];

    if (keys[index] == NULL &&
        cm_privkey_generate(index == 5 ? CM_CURVE_P256 : CM_CURVE_P384, 0, &keys[index]) != CM_OK) {
        abort();
    }
    return keys[index];
}

static EVP_PKEY *evp(int index)
{
    return cm_privkey_evp(nk_key(index));
}

struct cm_trust_root nk_root(void)
{
    struct cm_trust_root root = {.family = "nitro", .label = "the test's root"};

    ck_spki_sha256(evp(0), root.spki_sha256);
    return root;
}

void nk_defaults(struct nk_doc *d)
{
    static const char *const names[NK_CERTS] = {"test.nitro-enclaves", "region", "zone", "enclave"};

    memset(d, 0, sizeof(*d));
    for (int i = 0; i < NK_CERTS; i++) {
        struct ck_cert *c = &d->certs[i];

        c->subject = names[i];
        c->issuer = names[i == 0 ? 0 : i - 1];
        c->key = evp(i);
        c->signer = evp(i == 0 ? 0 : i - 1);
        c->md = EVP_sha384();
        c->serial = 100u + (uint64_t)i;
        c->ca = i != NK_CERTS - 1;
        c->usage = c->ca ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature";
    }
    d->bundle_count = NK_CERTS - 1;
    d->signer = nk_key(NK_CERTS - 1);
    d->alg = CM_SIG_ES384;
    d->nulls = true;
    d->pcr_first = 0xf4;
    d->pcr_count = 16;
    d->pcr_size = 48;
    d->module_id = "i-020b6af9246d90e92-enc0183d09086c24190";
    d->nonce = cm_span_make("nonce", 5);
}

/* The payload under construction. */
struct map {
    struct cm_wr w;
    uint64_t pairs;
    const struct nk_patch *patch;
};

static bool put_key(struct map *m, const char *name)
{
    bool patched = m->patch->name != NULL && strcmp(m->patch->name, name) == 0;

    if (patched && m->patch->cbor.len == 0) {
        return false;
    }
    m->pairs++;
    cm_cbor_wr_text(&m->w, name);
    if (patched) {
        cm_wr_bytes(&m->w, m->patch->cbor.ptr, m->patch->cbor.len);
        return false;
    }
    return true;
}

static void put_optional(struct map *m, const struct nk_doc *d, const char *name, struct cm_span v)
{
    if ((v.ptr == NULL && !d->nulls && m->patch->name == NULL) || !put_key(m, name)) {
        return;
    }
    if (v.ptr == NULL) {
        cm_cbor_wr_null(&m->w);
    } else {
        cm_cbor_wr_bytes(&m->w, v);
    }
}

/* PCR4 is the hash of the instance id, as the hypervisor makes it */
static void instance_pcr(const char *module_id, uint8_t out[64])
{
    static const uint8_t zeros[48] = {0};
    const char *end = strstr(module_id, "-enc");
    struct cm_span parts[2] = {
        {zeros, 48}, {(const uint8_t *)module_id, end == NULL ? 0 : (size_t)(end - module_id)}};

    if (cm_hash_parts(CM_HASH_SHA384, parts, 2, out) != CM_OK) {
        abort();
    }
}

static void put_pcrs(struct map *m, const struct nk_doc *d)
{
    if (!put_key(m, "pcrs")) {
        return;
    }
    cm_cbor_wr_map(&m->w, d->pcr_count);
    for (size_t i = 0; i < d->pcr_count; i++) {
        uint8_t value[64] = {0};

        value[0] = i < 3 ? d->pcr_first : 0;
        if (i == 4) {
            instance_pcr(d->module_id, value);
        }
        cm_cbor_wr_u64(&m->w, i);
        cm_cbor_wr_bytes(&m->w, cm_span_make(value, d->pcr_size));
    }
}

static void put_certificates(struct map *m, const struct nk_doc *d)
{
    static uint8_t der[NK_CERTS][2048];
    size_t len[NK_CERTS] = {0};

    for (int i = 0; i < NK_CERTS; i++) {
        len[i] = ck_cert(&d->certs[i], der[i], sizeof(der[i]));
    }
    if (put_key(m, "certificate")) {
        cm_cbor_wr_bytes(&m->w, cm_span_make(der[NK_CERTS - 1], len[NK_CERTS - 1]));
    }
    if (put_key(m, "cabundle")) {
        cm_cbor_wr_array(&m->w, d->bundle_count);
        for (size_t i = 0; i < d->bundle_count; i++) {
            size_t at = d->reversed ? d->bundle_count - 1 - i : i;

            cm_cbor_wr_bytes(&m->w, cm_span_make(der[at], len[at]));
        }
    }
}

size_t nk_make(const struct nk_doc *d, uint8_t *out, size_t cap)
{
    static uint8_t body[16384];
    static uint8_t payload[16384];
    struct map m = {cm_wr_init(body, sizeof(body)), 0, &d->patch};
    struct cm_wr p = cm_wr_init(payload, sizeof(payload));
    struct cm_wr w = cm_wr_init(out, cap);

    if (put_key(&m, "module_id")) {
        cm_cbor_wr_text(&m.w, d->module_id);
    }
    if (put_key(&m, "digest")) {
        cm_cbor_wr_text(&m.w, "SHA384");
    }
    if (put_key(&m, "timestamp")) {
        cm_cbor_wr_u64(&m.w, CK_NOW * 1000 + 136);
    }
    put_pcrs(&m, d);
    put_certificates(&m, d);
    put_optional(&m, d, "public_key", d->public_key);
    put_optional(&m, d, "user_data", d->user_data);
    put_optional(&m, d, "nonce", d->nonce);
    if (d->indefinite) {
        cm_wr_u8(&p, 0xbf);
    } else {
        cm_cbor_wr_map(&p, m.pairs);
    }
    cm_wr_bytes(&p, body, m.w.used);
    if (d->indefinite) {
        cm_wr_u8(&p, 0xff);
    }
    if (p.bad || m.w.bad ||
        cm_cose_sign1_write(d->signer, d->alg, cm_span_make(payload, p.used), &w) != CM_OK) {
        abort();
    }
    if (!d->tagged) { /* the tag is one byte, and not signed */
        memmove(out, out + 1, w.used - 1);
        return w.used - 1;
    }
    return w.used;
}
