/*
 * AzureGuest: evidence of an invented virtual machine as Azure's library sends it, and the sealed token. The
 * attacks: a key for the token that the machine's TPM did not certify, or that may leave it; another machine's
 * quote, registers, or runtime data.
 */
#include "harness.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/rsa.h>

#include "azurekit.h"
#include "common/writer.h"
#include "crypto/aead.h"
#include "crypto/hash.h"
#include "maa_kit.h"
#include "token/base64.h"

#define ATTRIBUTES \
    0x00020072u /* decrypt, userWithAuth, sensitiveDataOrigin, fixedParent, fixedTPM */

static struct vm vm;

/* A key that the machine's TPM made, and the TPM's word for it. */
struct sealing {
    EVP_PKEY *key;
    uint32_t attributes;
    EVP_PKEY *signer;
    uint16_t type; /* of the attestation */
    bool other_name;
    uint8_t pub[400];
    size_t pub_len;
    uint8_t info[200];
    size_t info_len;
    uint8_t signature[256];
    size_t signature_len;
};

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

static void sealing_init(struct sealing *s)
{
    memset(s, 0, sizeof(*s));
    s->key = ck_key("rsa2048", 6);
    s->attributes = ATTRIBUTES;
    s->signer = vm.ak;
    s->type = 0x8017;
}

static void sealing_make(struct sealing *s)
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

static json_t *b64(const void *bytes, size_t len)
{
    char *text = maa_b64_std(cm_span_make(bytes, len));
    json_t *out = json_string(text);

    free(text);
    return out;
}

static json_t *proof(void)
{
    static uint8_t chain[32768];
    struct cm_wr pem = cm_wr_init(chain, sizeof(chain));
    char *report = maa_b64(cm_span_make(vm.snp.report, 1184));
    json_t *out = NULL;

    for (int i = 2; i >= 0; i--) {
        cm_pem_write(&pem, "CERTIFICATE", cm_span_make(vm.snp.ders[i], vm.snp.ders_len[i]));
    }
    out = json_pack("{s:s, s:o}", "SnpReport", report, "VcekCertChain", b64(chain, pem.used));
    free(report);
    return out;
}

static json_t *pcrs(void)
{
    json_t *out = json_array();

    for (int i = 23; i >= 0; i--) { /* in no order of theirs */
        (void)json_array_append_new(
            out, json_pack("{s:i, s:o}", "Index", i, "Digest", b64(vm.pcrs + 32 * i, 32)));
    }
    return out;
}

/* What the library sends, before it is encoded. */
static json_t *info(const struct sealing *s)
{
    json_t *text = proof();
    char *inner = json_dumps(text, 0);
    json_t *out =
        json_pack("{s:s, s:o, s:o, s:o, s:i, s:i, s:s, s:{s:s}, s:{s:s, s:{s:o, s:o}}}",
                  "AttestationProtocolVersion", "2.0", "OSType", b64("Linux", 5), "OSDistro",
                  b64("Debian", 6), "OSBuild", b64("1", 1), "OSVersionMajor", 12, "OSVersionMinor",
                  11, "TcgLogs", "", "ClientPayload", "nonce", "bm9uY2U=", "IsolationInfo", "Type",
                  "SevSnp", "Evidence", "Proof", b64(inner, strlen(inner)), "RunTimeData",
                  b64(vm.runtime, strlen(vm.runtime)));

    (void)json_object_set_new(
        out, "TpmInfo",
        json_pack("{s:s, s:s, s:o, s:o, s:o, s:[i,i], s:o, s:o, s:o}", "AikCert", "", "AikPub", "",
                  "PcrQuote", b64(vm.quote, vm.quote_len), "PcrSignature",
                  b64(vm.signature, vm.signature_len), "PCRs", pcrs(), "PcrSet", 0, 1, "EncKeyPub",
                  b64(s->pub, s->pub_len), "EncKeyCertifyInfo", b64(s->info, s->info_len),
                  "EncKeyCertifyInfoSignature", b64(s->signature, s->signature_len)));
    free(inner);
    json_decref(text);
    return out;
}

static struct kit_answer *ask(json_t *what)
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

/* What the machine does with the answer; malloc'd, NULL when it cannot. */
static char *unseal(EVP_PKEY *key)
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
    CHECK_STR(
        json_string_value(json_object_get(json_object_get(box, "EncryptionParams"), "BlockMode")),
        "ChainingModeGCM");
    json_decref(box);
    EVP_PKEY_CTX_free(ctx);
    return good ? strdup(plain) : NULL;
}

static void begin(struct sealing *s)
{
    if (kit_current() == NULL) {
        vm_init(&vm);
        vm_build(&vm);
        maa_start_invented(NULL, &vm.snp);
    }
    sealing_init(s);
}

TEST(a_machine_gets_a_token_that_it_alone_can_read)
{
    static const char *const claims_of_snp[] = {"x-ms-sevsnpvm-launchmeasurement",
                                                "x-ms-sevsnpvm-idkeydigest", "x-ms-runtime",
                                                "x-ms-compliance-status"};
    struct sealing s;
    const json_t *claims = NULL;
    const json_t *tee = NULL;
    char *token = NULL;

    begin(&s);
    sealing_make(&s);
    CHECK_EQ(ask(info(&s))->status, 200);
    CHECK(unseal(ck_key("rsa2048", 7)) == NULL); /* another machine */
    token = unseal(s.key);
    if (token == NULL) {
        TEST_FAIL("no token: %s", kit_last()->body);
    }
    claims = token == NULL ? NULL : maa_claims_of(token);
    REQUIRE(claims != NULL);
    CHECK_STR(maa_text(claims, "x-ms-attestation-type"), "azurevm");
    CHECK_STR(maa_text(claims, "x-ms-azurevm-attestation-protocol-ver"), "2.0");
    CHECK_STR(maa_text(claims, "x-ms-azurevm-ostype"), "Linux");
    CHECK_STR(maa_text(claims, "x-ms-azurevm-osdistro"), "Debian");
    CHECK_EQ(json_integer_value(json_object_get(claims, "x-ms-azurevm-osversion-major")), 12);
    CHECK(json_is_false(json_object_get(claims, "x-ms-azurevm-is-windows")));
    CHECK(json_is_true(json_object_get(claims, "secureboot")));
    CHECK_STR(maa_text(claims, "x-ms-azurevm-vmid"), "1-2-3");
    CHECK_EQ(json_array_size(json_object_get(claims, "x-ms-azurevm-attested-pcrs")), 24);
    tee = json_object_get(claims, "x-ms-isolation-tee");
    CHECK_STR(maa_text(tee, "x-ms-attestation-type"), "sevsnpvm");
    for (size_t i = 0; i < sizeof(claims_of_snp) / sizeof(claims_of_snp[0]); i++) {
        CHECK(json_object_get(tee, claims_of_snp[i]) != NULL);
    }
    CHECK(json_object_get(claims, "x-ms-sevsnpvm-launchmeasurement") == NULL);
    /* Constellation reads the nonce there */
    CHECK_STR(maa_text(json_object_get(json_object_get(claims, "x-ms-runtime"), "client-payload"),
                       "nonce"),
              "bm9uY2U=");
    CHECK_STR(maa_text(json_array_get(
                           json_object_get(json_object_get(claims, "x-ms-runtime"), "keys"), 0),
                       "kid"),
              "TpmEphemeralEncryptionKey");
    free(token);
}

/* Refused, with words about it. */
static void refused(json_t *what, const char *words)
{
    CHECK_EQ(ask(what)->status, 400);
    CHECK(kit_json("token") == NULL);
    if (kit_string("error.message") == NULL || strstr(kit_string("error.message"), words) == NULL) {
        TEST_FAIL("\"%s\" does not say \"%s\"", kit_string("error.message"), words);
    }
}

TEST(the_token_is_sealed_to_no_key_but_one_of_the_machines_own)
{
    struct sealing s;

    begin(&s);
    s.signer = ck_key("rsa2048", 7); /* not the machine's attestation key */
    sealing_make(&s);
    refused(info(&s), "EncKeyCertifyInfo");
    sealing_init(&s);
    s.other_name = true; /* the word is about another key */
    sealing_make(&s);
    refused(info(&s), "EncKeyPub");
    sealing_init(&s);
    s.attributes = ATTRIBUTES & ~0x2u; /* it may leave its TPM */
    sealing_make(&s);
    refused(info(&s), "EncKeyPub");
    sealing_init(&s);
    s.attributes = ATTRIBUTES & ~0x20u; /* somebody else made it */
    sealing_make(&s);
    refused(info(&s), "EncKeyPub");
    sealing_init(&s);
    s.type = 0x8018; /* a quote is no word about a key */
    sealing_make(&s);
    refused(info(&s), "EncKey");
}

TEST(evidence_of_two_machines_is_refused)
{
    struct sealing s;
    json_t *what = NULL;
    char *runtime = NULL;

    begin(&s);
    sealing_make(&s);
    vm.pcrs[0] ^= 1;
    refused(info(&s), "refused");
    vm.pcrs[0] ^= 1;
    vm.quote[vm.quote_len - 1] ^= 1;
    refused(info(&s), "refused");
    vm.quote[vm.quote_len - 1] ^= 1;
    vm.snp.report[0x90] ^= 1; /* the measurement */
    refused(info(&s), "refused");
    vm.snp.report[0x90] ^= 1;
    runtime = strstr(vm.runtime, "1-2-3");
    REQUIRE(runtime != NULL);
    runtime[0] = '9';
    refused(info(&s), "refused");
    runtime[0] = '1';
    what = info(&s);
    (void)json_object_del(json_object_get(what, "TpmInfo"), "PCRs");
    refused(what, "PCRs");
    CHECK_EQ(ask(info(&s))->status, 200);
}

TEST(what_is_not_a_machines_evidence_is_refused)
{
    struct sealing s;
    json_t *what = NULL;

    begin(&s);
    sealing_make(&s);
    what = info(&s);
    (void)json_object_set_new(json_object_get(what, "IsolationInfo"), "Type",
                              json_string("TrustedLaunch"));
    refused(what, "SevSnp");
    what = info(&s);
    (void)json_object_del(what, "TpmInfo");
    refused(what, "PcrQuote");
    what = info(&s);
    (void)json_array_append_new(json_object_get(json_object_get(what, "TpmInfo"), "PCRs"),
                                json_pack("{s:i, s:s}", "Index", 0, "Digest", "AAAA"));
    refused(what, "PCRs");
    CHECK_EQ(maa_attest("AzureGuest", json_pack("{s:s}", "attestationInfo", "!"))->status, 400);
    CHECK_EQ(maa_attest("AzureGuest", json_pack("{}"))->status, 400);
    CHECK_EQ(maa_attest("AzureGuest", json_pack("{s:s}", "attestationInfo", "e30"))->status, 400);
    CHECK_EQ(maa_attest("AzureGuest", json_pack("{s:s}", "attestationInfo", "eyJhIjox"))->status,
             400);
}

TEST(the_end)
{
    struct sealing s;

    begin(&s);
    maa_stop();
    vm_free(&vm);
    CHECK(true);
}

TEST_MAIN
