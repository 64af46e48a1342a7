/* See maa_guest_kit.h. */
#include "maa_guest_kit.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/writer.h"
#include "crypto/aead.h"
#include "crypto/hash.h"
#include "token/base64.h"

struct vm guest_vm;
struct vm guest_td;
const struct kit_log *guest_log;

static void must(bool ok)
{
    if (!ok) {
        (void)printf("guest kit: failed\n");
        abort();
    }
}

static void put_2b(struct cm_wr *w, const void *bytes, size_t len)
{
    cm_wr_u16be(w, (uint16_t)len);
    cm_wr_bytes(w, bytes, len);
}

void guest_sealing_init(struct sealing *s)
{
    memset(s, 0, sizeof(*s));
    s->key = ck_key("rsa2048", 6);
    s->attributes = GUEST_ATTRIBUTES;
    s->signer = guest_vm.ak;
    s->type = 0x8017;
}

void guest_sealing_make(struct sealing *s)
{
    struct cm_wr w = cm_wr_init(s->pub, sizeof(s->pub));
    uint8_t name[34] = {0, 0x0b};
    uint8_t n[256];
    BIGNUM *modulus = NULL;
    EVP_MD_CTX *md = EVP_MD_CTX_new();

    must(EVP_PKEY_get_bn_param(s->key, OSSL_PKEY_PARAM_RSA_N, &modulus) == 1 &&
         BN_bn2binpad(modulus, n, 256) == 256);
    BN_free(modulus);
    cm_wr_u16be(&w, 1);    /* RSA */
    cm_wr_u16be(&w, 0x0b); /* SHA-256 */
    cm_wr_u32be(&w, s->attributes);
    cm_wr_u16be(&w, 0);
    cm_wr_u16be(&w, 0x10); /* no symmetric algorithm */
    cm_wr_u16be(&w, 0x15); /* RSAES */
    cm_wr_u16be(&w, 2048);
    cm_wr_u32be(&w, 0);
    put_2b(&w, n, sizeof(n));
    s->pub_len = w.used;
    must(cm_hash(CM_HASH_SHA256, cm_span_make(s->pub, s->pub_len), name + 2) == CM_OK);
    name[5] ^= s->other_name ? 1 : 0;
    w = cm_wr_init(s->info, sizeof(s->info));
    cm_wr_u32be(&w, 0xff544347);
    cm_wr_u16be(&w, s->type);
    cm_wr_u16be(&w, 0);
    cm_wr_u16be(&w, 0);
    cm_wr_fill(&w, 0, 25);
    put_2b(&w, name, sizeof(name));
    cm_wr_u16be(&w, 0);
    s->info_len = w.used;
    s->signature_len = sizeof(s->signature);
    must(EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, s->signer) == 1 &&
         EVP_DigestSign(md, s->signature, &s->signature_len, s->info, s->info_len) == 1);
    EVP_MD_CTX_free(md);
}

json_t *guest_b64(const void *bytes, size_t len)
{
    char *text = maa_b64_std(cm_span_make(bytes, len));
    json_t *out = json_string(text);

    free(text);
    return out;
}

json_t *guest_snp_isolation(void)
{
    static uint8_t chain[32768];
    struct cm_wr pem = cm_wr_init(chain, sizeof(chain));
    char *report = maa_b64(cm_span_make(guest_vm.snp.report, 1184));
    json_t *proof = NULL;
    json_t *out = NULL;
    char *text = NULL;

    for (int i = 2; i >= 0; i--) {
        cm_pem_write(&pem, "CERTIFICATE",
                     cm_span_make(guest_vm.snp.ders[i], guest_vm.snp.ders_len[i]));
    }
    proof =
        json_pack("{s:s, s:o}", "SnpReport", report, "VcekCertChain", guest_b64(chain, pem.used));
    text = json_dumps(proof, 0);
    out = json_pack("{s:s, s:{s:o, s:o}}", "Type", "SevSnp", "Evidence", "Proof",
                    guest_b64(text, strlen(text)), "RunTimeData",
                    guest_b64(guest_vm.runtime, strlen(guest_vm.runtime)));
    free(report);
    free(text);
    json_decref(proof);
    return out;
}

json_t *guest_tdx_isolation(void)
{
    return json_pack("{s:s, s:{s:o, s:o}}", "Type", "TDX", "Evidence", "Proof",
                     guest_b64(guest_td.td_quote, guest_td.td_quote_len), "RunTimeData",
                     guest_b64(guest_td.runtime, strlen(guest_td.runtime)));
}

static json_t *pcrs_of(const struct vm *v)
{
    json_t *out = json_array();

    for (int i = 23; i >= 0; i--) { /* in no order of theirs */
        (void)json_array_append_new(
            out, json_pack("{s:i, s:o}", "Index", i, "Digest", guest_b64(v->pcrs + 32 * i, 32)));
    }
    return out;
}

/* What the library sends, before it is encoded. */
json_t *guest_info_of(const struct vm *v, const struct sealing *s, json_t *isolation)
{
    struct cm_span log = guest_log == NULL ? cm_span_make("", 0) : kit_log_bytes(guest_log);
    json_t *out =
        json_pack("{s:s, s:o, s:o, s:o, s:i, s:i, s:o, s:{s:s}, s:o}", "AttestationProtocolVersion",
                  "2.0", "OSType", guest_b64("Linux", 5), "OSDistro", guest_b64("Debian", 6),
                  "OSBuild", guest_b64("1", 1), "OSVersionMajor", 12, "OSVersionMinor", 11,
                  "TcgLogs", guest_b64(log.ptr, log.len), "ClientPayload", "nonce",
                  "bm9uY2U=", "IsolationInfo", isolation);

    (void)json_object_set_new(
        out, "TpmInfo",
        json_pack("{s:s, s:s, s:o, s:o, s:o, s:[i,i], s:o, s:o, s:o}", "AikCert", "", "AikPub", "",
                  "PcrQuote", guest_b64(v->quote, v->quote_len), "PcrSignature",
                  guest_b64(v->signature, v->signature_len), "PCRs", pcrs_of(v), "PcrSet", 0, 1,
                  "EncKeyPub", guest_b64(s->pub, s->pub_len), "EncKeyCertifyInfo",
                  guest_b64(s->info, s->info_len), "EncKeyCertifyInfoSignature",
                  guest_b64(s->signature, s->signature_len)));
    return out;
}

json_t *guest_info(const struct sealing *s)
{
    return guest_info_of(&guest_vm, s, guest_snp_isolation());
}

struct kit_answer *guest_ask(json_t *what)
{
    char *text = json_dumps(what, 0);
    char *encoded = maa_b64(cm_span_make(text, strlen(text)));
    struct kit_answer *a = maa_attest("azureGuest", json_pack("{s:s}", "AttestationInfo", encoded));

    json_decref(what);
    free(text);
    free(encoded);
    return a;
}

static size_t member(const json_t *object, const char *name, uint8_t *out, size_t cap)
{
    const char *text = json_string_value(json_object_get(object, name));
    size_t len = 0;

    return text != NULL &&
                   cm_base64_decode(cm_span_make(text, strlen(text)), out, cap, &len) == CM_OK
               ? len
               : 0;
}

/* A parameter of the encryption; "": absent. */
static const char *member_text(const json_t *box, const char *name)
{
    const char *text =
        json_string_value(json_object_get(json_object_get(box, "EncryptionParams"), name));

    return text == NULL ? "" : text;
}

/* What the machine does with the answer; malloc'd, NULL when it cannot. */
char *guest_unseal(EVP_PKEY *key)
{
    static uint8_t text[65536];
    static uint8_t cipher[65536];
    static char plain[65536];
    const char *token = kit_string("token");
    uint8_t wrapped[256];
    uint8_t inner[256];
    uint8_t iv[12];
    uint8_t tag[16];
    size_t len = 0;
    size_t inner_len = sizeof(inner);
    json_t *box = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    struct cm_aead_in in = {.alg = CM_AEAD_A256GCM,
                            .iv = {iv, sizeof(iv)},
                            .aad = {(const uint8_t *)"Transport Key", 13}};
    bool good = false;

    if (token != NULL && cm_base64url_decode(cm_span_make(token, strlen(token)), text, sizeof(text),
                                             &len) == CM_OK) {
        box = json_loadb((const char *)text, len, 0, NULL);
    }
    good = box != NULL && member(box, "EncryptedInnerKey", wrapped, 256) == 256 &&
           member(json_object_get(box, "EncryptionParams"), "Iv", iv, sizeof(iv)) == 12 &&
           member(box, "AuthenticationData", tag, sizeof(tag)) == 16 &&
           EVP_PKEY_decrypt_init(ctx) == 1 &&
           EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
           EVP_PKEY_decrypt(ctx, inner, &inner_len, wrapped, 256) == 1 && inner_len == 32;
    if (good) {
        in.key = cm_span_make(inner, 32);
        in.text = cm_span_make(cipher, member(box, "Jwt", cipher, sizeof(cipher)));
        good = cm_aead_open(&in, cm_span_make(tag, 16), (uint8_t *)plain, sizeof(plain) - 1,
                            &len) == CM_OK;
        plain[good ? len : 0] = '\0';
    }
    must(box == NULL || strcmp(member_text(box, "BlockMode"), "ChainingModeGCM") == 0);
    json_decref(box);
    EVP_PKEY_CTX_free(ctx);
    return good ? strdup(plain) : NULL;
}

bool guest_refused(json_t *what, const char *words)
{
    const int status = guest_ask(what)->status;
    const char *said = kit_string("error.message");
    const bool good =
        status == 400 && kit_json("token") == NULL && said != NULL && strstr(said, words) != NULL;

    if (!good) {
        (void)printf("  %d, and \"%s\" does not say \"%s\"\n", status, said == NULL ? "" : said,
                     words);
    }
    return good;
}

/* The claims of a machine's answer, which only its own TPM opens; NULL: it has none. */
const json_t *guest_opened(const struct sealing *s, json_t *what)
{
    char *token = guest_ask(what)->status == 200 ? guest_unseal(s->key) : NULL;
    const json_t *claims = token == NULL ? NULL : maa_claims_of(token);

    if (claims == NULL) {
        (void)printf("  no token: %s\n", kit_last()->body);
    }
    free(token);
    return claims;
}

void guest_begin(struct sealing *s)
{
    if (kit_current() == NULL) {
        vm_init(&guest_vm);
        vm_build(&guest_vm);
        maa_start_invented(NULL, &guest_vm.snp);
    }
    guest_sealing_init(s);
}

void guest_end(void)
{
    maa_stop();
    vm_free(&guest_vm);
    vm_free(&guest_td);
}
