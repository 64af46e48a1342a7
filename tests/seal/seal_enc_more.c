/* Enclave side of the sealing tests: key pairs, plugins, uniqueness, residue, reports. */
#include <openenclave/corelibc/stdlib.h>
#include <openenclave/enclave.h>
#include <openenclave/sgx/seal.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/crypto.h"
#include "enclave/sgxkey.h"
#include "seal_t.h"

static oe_asymmetric_key_params_t params_of(char *data)
{
    oe_asymmetric_key_params_t p = {OE_ASYMMETRIC_KEY_EC_SECP256P1, OE_ASYMMETRIC_KEY_PEM, data,
                                    data == NULL ? 0 : strlen(data)};

    return p;
}

oe_result_t enc_public_key(uint32_t policy, const char *data, char *pem, size_t cap)
{
    char *copy = data == NULL ? NULL : strdup(data);
    oe_asymmetric_key_params_t p = params_of(copy);
    uint8_t *key = NULL;
    size_t size = 0;
    oe_result_t r =
        oe_get_public_key_by_policy((oe_seal_policy_t)policy, &p, &key, &size, NULL, NULL);

    if (r == OE_OK && size <= cap && key[size - 1] == '\0') {
        memcpy(pem, key, size);
    } else if (r == OE_OK) {
        r = OE_UNEXPECTED;
    }
    oe_free_key(key, size, NULL, 0);
    free(copy);
    return r;
}

static bool signs(const uint8_t *public_pem, size_t public_size, const uint8_t *private_pem,
                  size_t private_size)
{
    BIO *a = BIO_new_mem_buf(public_pem, (int)public_size);
    BIO *b = BIO_new_mem_buf(private_pem, (int)private_size);
    EVP_PKEY *public = PEM_read_bio_PUBKEY(a, NULL, NULL, NULL);
    EVP_PKEY *private = PEM_read_bio_PrivateKey(b, NULL, NULL, NULL);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    uint8_t sig[80];
    size_t n = sizeof(sig);
    bool ok = public != NULL && private != NULL &&
              EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, private) == 1 &&
              EVP_DigestSign(ctx, sig, &n, (const uint8_t *)"data", 4) == 1;

    EVP_MD_CTX_free(ctx);
    ctx = EVP_MD_CTX_new();
    ok = ok && EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, public) == 1 &&
         EVP_DigestVerify(ctx, sig, n, (const uint8_t *)"data", 4) == 1;
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(public);
    EVP_PKEY_free(private);
    BIO_free(a);
    BIO_free(b);
    return ok;
}

/* A pair by policy, the same by info, and what a wrong info gives: 0 or the step that failed. */
int enc_key_pair(uint32_t policy, const char *data)
{
    char *copy = data == NULL ? NULL : strdup(data);
    oe_asymmetric_key_params_t p = params_of(copy);
    uint8_t *key[4] = {NULL, NULL, NULL, NULL};
    size_t size[4] = {0, 0, 0, 0};
    uint8_t *info[2] = {NULL, NULL};
    size_t info_size[2] = {0, 0};
    uint8_t *none = NULL;
    size_t none_size = 0;
    sgx_key_request_t *request = NULL;
    int step = 1;

    if (oe_get_public_key_by_policy((oe_seal_policy_t)policy, &p, &key[0], &size[0], &info[0],
                                    &info_size[0]) != OE_OK ||
        oe_get_private_key_by_policy((oe_seal_policy_t)policy, &p, &key[1], &size[1], &info[1],
                                     &info_size[1]) != OE_OK) {
        goto out;
    }
    step = 2;
    if (!signs(key[0], size[0], key[1], size[1])) {
        goto out;
    }
    step = 3;
    if (info_size[0] != sizeof(*request) || info_size[1] != sizeof(*request) ||
        memcmp(info[0], info[1], sizeof(*request)) != 0 ||
        oe_get_public_key(&p, info[0], info_size[0], &key[2], &size[2]) != OE_OK ||
        oe_get_private_key(&p, info[0], info_size[0], &key[3], &size[3]) != OE_OK ||
        size[0] != size[2] || memcmp(key[0], key[2], size[0]) != 0 || size[1] != size[3] ||
        memcmp(key[1], key[3], size[1]) != 0) {
        goto out;
    }
    step = 4;
    request = (sgx_key_request_t *)(void *)info[0];
    request->isv_svn = 0xffff;
    if (oe_get_private_key(&p, info[0], info_size[0], &none, &none_size) != OE_INVALID_ISVSVN) {
        goto out;
    }
    step = 5;
    memset(request->cpu_svn, 0xff, sizeof(request->cpu_svn));
    if (oe_get_public_key(&p, info[0], info_size[0], &none, &none_size) != OE_INVALID_CPUSVN) {
        goto out;
    }
    step = none == NULL && none_size == 0 ? 0 : 6;
out:
    oe_free_key(key[0], size[0], info[0], info_size[0]);
    oe_free_key(key[1], size[1], info[1], info_size[1]);
    oe_free_key(key[2], size[2], NULL, 0);
    oe_free_key(key[3], size[3], NULL, 0);
    free(copy);
    return step;
}

/* ------------------------------------------------------------------ plugins */

static oe_result_t echo_seal(const oe_seal_setting_t *settings, size_t settings_count,
                             const uint8_t *plaintext, size_t plaintext_size,
                             const uint8_t *additional_data, size_t additional_data_size,
                             uint8_t **blob, size_t *blob_size)
{
    (void)settings;
    (void)settings_count;
    (void)additional_data;
    (void)additional_data_size;
    *blob = oe_malloc(plaintext_size + 1);
    if (*blob == NULL) {
        return OE_OUT_OF_MEMORY;
    }
    (*blob)[0] = '!';
    memcpy(*blob + 1, plaintext, plaintext_size);
    *blob_size = plaintext_size + 1;
    return OE_OK;
}

static oe_result_t echo_unseal(const uint8_t *blob, size_t blob_size,
                               const uint8_t *additional_data, size_t additional_data_size,
                               uint8_t **plaintext, size_t *plaintext_size)
{
    (void)additional_data;
    (void)additional_data_size;
    if (blob_size < 1 || blob[0] != '!') {
        return OE_FAILURE;
    }
    *plaintext = oe_malloc(blob_size);
    if (*plaintext == NULL) {
        return OE_OUT_OF_MEMORY;
    }
    memcpy(*plaintext, blob + 1, blob_size - 1);
    *plaintext_size = blob_size - 1;
    return OE_OK;
}

static const oe_seal_plugin_definition_t echo = {
    {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}}, echo_seal, echo_unseal};

/* the first byte of a blob made by the plugin with this id (NULL: the default) */
static int first_byte(const oe_uuid_t *id)
{
    uint8_t *blob = NULL;
    size_t size = 0;
    oe_result_t r = oe_seal(id, NULL, 0, (const uint8_t *)"x", 1, NULL, 0, &blob, &size);
    int first = r == OE_OK ? blob[0] : -(int)r;

    if (r == OE_OK && oe_unseal(blob, size, NULL, 0, NULL, NULL) != OE_OK) {
        first = -1000; /* it must open while its plugin is there */
    }
    oe_free(blob);
    return first;
}

int enc_plugins(void)
{
    static oe_seal_plugin_definition_t many[17];
    const oe_uuid_t *gcm = &oe_seal_plugin_gcm_aes.id;
    const int sealing = SGX_KEYSELECT_SEAL; /* a GCM blob begins with its key name */
    oe_uuid_t id = {{0}};
    int added = 0;

#define STEP(n, condition)  \
    do {                    \
        if (!(condition)) { \
            return (n);     \
        }                   \
    } while (0)
    STEP(1, first_byte(NULL) == sealing && first_byte(gcm) == sealing);
    STEP(2, first_byte(&echo.id) == -(int)OE_NOT_FOUND);
    STEP(3, oe_register_seal_plugin(&echo, false) == OE_OK && first_byte(NULL) == sealing);
    STEP(4, first_byte(&echo.id) == '!' && first_byte(gcm) == sealing);
    STEP(5, oe_register_seal_plugin(&echo, true) == OE_OK && first_byte(NULL) == '!');
    STEP(6, first_byte(gcm) == sealing);
    STEP(7, oe_register_seal_plugin(&oe_seal_plugin_gcm_aes, true) == OE_OK);
    STEP(8, first_byte(NULL) == sealing && first_byte(&echo.id) == '!');
    STEP(9, oe_unregister_seal_plugin(gcm) == OE_OK && first_byte(NULL) == '!');
    STEP(10, oe_unregister_seal_plugin(gcm) == OE_NOT_FOUND);
    STEP(11, oe_unregister_seal_plugin(&echo.id) == OE_OK);
    STEP(12, first_byte(NULL) == -(int)OE_NOT_FOUND);
    for (int i = 0; i < 17; i++) {
        id.b[0] = (uint8_t)(100 + i);
        memcpy(&many[i], &echo, sizeof(echo));
        memcpy((void *)(uintptr_t)&many[i].id, &id, sizeof(id));
        added += oe_register_seal_plugin(&many[i], false) == OE_OK;
    }
    STEP(13, added == 16 && oe_register_seal_plugin(&many[16], false) == OE_OUT_OF_MEMORY);
    STEP(14, oe_register_seal_plugin(&many[3], true) == OE_OK); /* a known one, though full */
    for (int i = 0; i < 16; i++) {
        STEP(15, oe_unregister_seal_plugin(&many[i].id) == OE_OK);
    }
    STEP(16, oe_register_seal_plugin(&oe_seal_plugin_gcm_aes, false) == OE_OK);
    STEP(17, first_byte(NULL) == sealing);
    return 0;
}

/* --------------------------------------------------------------- uniqueness */

enum { OFFSET_KEYID = 40, OFFSET_IV = 532, HEADER = 560 };

static int compare_iv(const void *a, const void *b)
{
    return memcmp(a, b, 44);
}

/* How many of n blobs share IV or KEYID with another, and of those made with one IV, the key. */
int enc_iv_unique(int n)
{
    static const uint8_t fixed[12] = {9};
    const oe_seal_setting_t setting[] = {OE_SEAL_SET_IV(fixed, 12)};
    uint8_t *seen = calloc((size_t)n, 44);
    int repeats = 0;

    if (seen == NULL) {
        return -1;
    }
    for (int i = 0; i < n; i++) {
        const bool own = i % 2 != 0; /* half of them with the caller's IV, always the same */
        uint8_t *blob = NULL;
        size_t size = 0;

        if (oe_seal(NULL, own ? setting : NULL, own ? 1 : 0, (const uint8_t *)"abcdefgh", 8, NULL,
                    0, &blob, &size) != OE_OK ||
            oe_unseal(blob, size, NULL, 0, NULL, NULL) != OE_OK ||
            (own && memcmp(blob + OFFSET_IV, fixed, 12) != 0)) {
            oe_free(blob);
            free(seen);
            return -2;
        }
        memcpy(seen + (size_t)i * 44, blob + OFFSET_KEYID, 32);
        memcpy(seen + (size_t)i * 44 + 32, own ? blob + HEADER : blob + OFFSET_IV, own ? 8 : 12);
        oe_free(blob);
    }
    qsort(seen, (size_t)n, 44, compare_iv);
    for (int i = 1; i < n; i++) {
        repeats += memcmp(seen + (size_t)(i - 1) * 44, seen + (size_t)i * 44, 32) == 0;
    }
    for (int i = 0; i < n; i++) { /* neither IV nor ciphertext of one is another's */
        for (int k = i + 1; k < n; k++) {
            repeats += memcmp(seen + (size_t)i * 44 + 32, seen + (size_t)k * 44 + 32, 8) == 0;
        }
    }
    free(seen);
    return repeats;
}

/* ------------------------------------------------------------------ residue */

enum { SECRET = 4096 };

/* The text of a blob that does not verify, looked for in the memory that its opening used. */
int enc_residue(void)
{
    uint8_t *plain = malloc(SECRET);
    uint8_t *blob = NULL;
    uint8_t *again = NULL;
    size_t size = 0;
    int found = 0;

    if (plain == NULL) {
        return -1;
    }
    memset(plain, 0x5c, SECRET);
    if (oe_seal(NULL, NULL, 0, plain, SECRET, NULL, 0, &blob, &size) != OE_OK) {
        free(plain);
        return -2;
    }
    memset(plain, 0, SECRET);
    blob[HEADER - 1] ^= 1; /* the tag: found wrong only after everything was decrypted */
    if (oe_unseal(blob, size, NULL, 0, NULL, NULL) == OE_OK) {
        found = -3;
    }
    again = malloc(SECRET);
    for (size_t i = 16; found == 0 && again != NULL && i + 32 < SECRET; i++) {
        found = again[i] == 0x5c && again[i + 1] == 0x5c && again[i + 31] == 0x5c ? (int)i : 0;
    }
    free(again);
    oe_free(blob);
    free(plain);
    return found;
}

/* ------------------------------------------------------------------ reports */

static bool made_for_me(const struct sgx_report *report)
{
    struct sgx_keyrequest request;
    uint8_t key[CM_SGX_KEY_SIZE];
    uint8_t mac[CM_CMAC_SIZE];

    memset(&request, 0, sizeof(request));
    request.keyname = SGX_KEY_REPORT;
    memcpy(request.keyid, report->keyid, sizeof(request.keyid));
    return cm_egetkey(&request, key) == OE_OK &&
           cm_cmac_aes128(key, cm_span_make(&report->body, sizeof(report->body)), mac) == CM_OK &&
           memcmp(mac, report->mac, sizeof(mac)) == 0;
}

/* Reports for this enclave, for others, and for targets that none can be: 0 or the step. */
int enc_reports(void)
{
    struct sgx_report self;
    struct sgx_report report;
    struct sgx_targetinfo target;
    uint8_t bytes[sizeof(target)];
    const uint8_t data[64] = {'r', 'o', 'l', 'e', 1};
    size_t refused = 0;

    STEP(1, cm_ereport(NULL, NULL, &self) == OE_OK);
    memset(&target, 0, sizeof(target));
    memcpy(target.mrenclave, self.body.mrenclave, sizeof(target.mrenclave));
    target.attributes = self.body.attributes;
    target.miscselect = self.body.miscselect;
    target.configsvn = self.body.configsvn;
    memcpy(target.configid, self.body.configid, sizeof(target.configid));
    STEP(2, cm_ereport(&target, data, &report) == OE_OK && made_for_me(&report));
    STEP(3, memcmp(report.body.reportdata, data, sizeof(data)) == 0 && !made_for_me(&self));
    memcpy(bytes, &target, sizeof(bytes));
    for (size_t bit = 0; bit < sizeof(bytes) * 8; bit++) {
        struct sgx_targetinfo other;
        oe_result_t r = OE_OK;

        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        memcpy(&other, bytes, sizeof(other));
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        r = cm_ereport(&other, data, &report);
        STEP(4, r == OE_OK || r == OE_INVALID_PARAMETER);
        STEP(5, r != OE_OK || !made_for_me(&report));
        refused += r == OE_INVALID_PARAMETER;
    }
    STEP(6, refused == (2 + 8 + 384) * 8);
    STEP(7, cm_ereport(&target, data, &report) == OE_OK);
    for (size_t bit = 0; bit < sizeof(report) * 8; bit++) {
        struct sgx_report changed = report;

        ((uint8_t *)&changed)[bit / 8] ^= (uint8_t)(1u << bit % 8);
        STEP(8, !made_for_me(&changed));
    }
    return 0;
}

OE_SET_ENCLAVE_SGX(7, 2, true, 1024, 64, 2);
