/* Enclave side of the attested TLS tests: makes and verifies certificates, and is an end of TLS. */
#include <casemate/attest.h>
#include <casemate/attls.h>
#include <openenclave/attestation/attester.h>
#include <openenclave/attestation/sgx/evidence.h>
#include <openenclave/attestation/verifier.h>
#include <openenclave/enclave.h>
#include <openssl/pem.h>
#include <string.h>

#include "attls_t.h"
#include "common/span.h"
#include "tls_end.h"

enum { SLOTS = 4, MAX_PEM = 8192 };

static const oe_uuid_t ecdsa = {OE_FORMAT_UUID_SGX_ECDSA};
static char private_pem[MAX_PEM];
static char public_pem[MAX_PEM];
static uint8_t *certificate;
static size_t certificate_size;
static struct tls_end ends[SLOTS];
static struct cm_attls *channels[SLOTS];

oe_result_t enc_setup(bool accept_emulated)
{
    oe_result_t r = oe_attester_initialize();

    if (accept_emulated) {
        cm_attest_accept_emulated();
    }
    return r == OE_OK ? oe_verifier_initialize() : r;
}

static bool make_keys(bool rsa)
{
    EVP_PKEY *key = rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
    BIO *a = BIO_new(BIO_s_mem());
    BIO *b = BIO_new(BIO_s_mem());
    int n = 0;
    int m = 0;
    bool ok = key != NULL && PEM_write_bio_PrivateKey(a, key, NULL, NULL, 0, NULL, NULL) == 1 &&
              PEM_write_bio_PUBKEY(b, key) == 1;

    if (ok) {
        n = BIO_read(a, private_pem, MAX_PEM - 1);
        m = BIO_read(b, public_pem, MAX_PEM - 1);
        private_pem[n > 0 ? n : 0] = '\0';
        public_pem[m > 0 ? m : 0] = '\0';
    }
    BIO_free(a);
    BIO_free(b);
    EVP_PKEY_free(key);
    return ok;
}

/* form 0: evidence, 1: a report, 2: a report with a period */
oe_result_t enc_certificate(int form, bool rsa, const char *not_before, const char *not_after,
                            uint8_t *der, size_t cap, size_t *size)
{
    const unsigned char *subject = (const unsigned char *)"CN=attls test,O=a\\,b,C=US";
    const uint8_t *private = (const uint8_t *)private_pem;
    const uint8_t *public = (const uint8_t *)public_pem;
    oe_result_t r = OE_UNEXPECTED;

    if (!make_keys(rsa)) {
        return OE_CRYPTO_ERROR;
    }
    oe_free_attestation_certificate(certificate);
    certificate = NULL;
    if (form == 0 && rsa) {
        r = oe_get_attestation_certificate_with_evidence_v2(
            &ecdsa, subject, private, strlen(private_pem) + 1, public, strlen(public_pem) + 1, NULL,
            0, &certificate, &certificate_size);
    } else if (form == 0) {
        r = oe_get_attestation_certificate_with_evidence(
            &ecdsa, subject, private, strlen(private_pem) + 1, public, strlen(public_pem) + 1,
            &certificate, &certificate_size);
    } else if (form == 1) {
        r = oe_generate_attestation_certificate(NULL, private, strlen(private_pem) + 1, public,
                                                strlen(public_pem) + 1, &certificate,
                                                &certificate_size);
    } else {
        r = oe_generate_attestation_certificate_v2(subject, private, strlen(private_pem) + 1,
                                                   public, strlen(public_pem) + 1, not_before,
                                                   not_after, &certificate, &certificate_size);
    }
    if (r == OE_OK) {
        *size = certificate_size;
        if (certificate_size > cap) {
            return OE_BUFFER_TOO_SMALL;
        }
        memcpy(der, certificate, certificate_size);
    }
    return r;
}

/* What a callback was told, and what it answers. */
struct seen {
    oe_result_t answer;
    uint8_t *unique_id;
    int *asked;
};

static oe_result_t see_claims(oe_claim_t *claims, size_t count, void *arg)
{
    struct seen *s = arg;

    (*s->asked)++;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(claims[i].name, OE_CLAIM_UNIQUE_ID) == 0 && claims[i].value_size == 32) {
            memcpy(s->unique_id, claims[i].value, 32);
        }
    }
    return s->answer;
}

static oe_result_t see_identity(oe_identity_t *identity, void *arg)
{
    struct seen *s = arg;

    (*s->asked)++;
    memcpy(s->unique_id, identity->unique_id, 32);
    return s->answer;
}

/* how 0: claims, 1: identity, 2: v2 */
oe_result_t enc_verify(int how, const uint8_t *der, size_t size, oe_result_t answer,
                       uint8_t *unique_id, int *asked)
{
    struct seen s = {answer, unique_id, asked};
    oe_claim_t *claims = NULL;
    size_t count = 0;
    oe_result_t r = OE_OK;

    *asked = 0;
    if (how == 0) {
        return oe_verify_attestation_certificate_with_evidence(der, size, see_claims, &s);
    }
    if (how == 1) {
        return oe_verify_attestation_certificate(der, size, see_identity, &s);
    }
    r = oe_verify_attestation_certificate_with_evidence_v2(der, size, NULL, 0, NULL, 0, &claims,
                                                           &count);
    if (r == OE_OK) {
        (void)see_claims(claims, count, &s);
    }
    (void)oe_free_claims(claims, count);
    return r;
}

/* 0, or the number of the first wrong call that was not refused */
int enc_make_misuse(void *outside)
{
    const uint8_t *private = (const uint8_t *)private_pem;
    const uint8_t *public = (const uint8_t *)public_pem;
    const size_t n = strlen(private_pem) + 1;
    const size_t m = strlen(public_pem) + 1;
    uint8_t *der = NULL;
    size_t size = 0;
    int at = 0;

#define REFUSED(call)                         \
    do {                                      \
        at++;                                 \
        if ((call) != OE_INVALID_PARAMETER) { \
            return at;                        \
        }                                     \
    } while (0)
#define MAKE oe_get_attestation_certificate_with_evidence
    REFUSED(MAKE(NULL, NULL, private, n, public, m, &der, &size));
    REFUSED(MAKE(&ecdsa, NULL, NULL, n, public, m, &der, &size));
    REFUSED(MAKE(&ecdsa, NULL, private, 0, public, m, &der, &size));
    REFUSED(MAKE(&ecdsa, NULL, private, n, NULL, m, &der, &size));
    REFUSED(MAKE(&ecdsa, NULL, private, n, public, 0, &der, &size));
    REFUSED(MAKE(&ecdsa, NULL, outside, n, public, m, &der, &size));
    REFUSED(MAKE(&ecdsa, NULL, private, n, outside, m, &der, &size));
    REFUSED(MAKE(&ecdsa, outside, private, n, public, m, &der, &size));
    REFUSED(MAKE(&ecdsa, NULL, private, SIZE_MAX, public, m, &der, &size));
    REFUSED(MAKE(&ecdsa, NULL, public, m, public, m, &der, &size));
    REFUSED(MAKE(&ecdsa, NULL, private, n, public, m, NULL, &size));
    REFUSED(MAKE(&ecdsa, NULL, private, n, public, m, &der, NULL));
    REFUSED(MAKE(&ecdsa, (const unsigned char *)"no name", private, n, public, m, &der, &size));
    REFUSED(oe_generate_attestation_certificate_v2(NULL, private, n, public, m, "2020", "2021",
                                                   &der, &size));
    return der == NULL && size == 0 ? 0 : -1;
}

int enc_private_key(char *pem, size_t cap)
{
    if (strlen(private_pem) >= cap) {
        return -1;
    }
    memcpy(pem, private_pem, strlen(private_pem) + 1);
    return 0;
}

/* ------------------------------------------------------------------- TLS */

int enc_tls_new(int slot, bool server, bool ask, bool no_certificate)
{
    struct tls_setup s = {.server = server,
                          .ask = ask,
                          .key = no_certificate ? NULL : private_pem,
                          .der = certificate,
                          .der_len = certificate_size};

    if (slot < 0 || slot >= SLOTS) {
        return -1;
    }
    cm_attls_close(channels[slot]);
    channels[slot] = NULL;
    tls_end_free(&ends[slot]);
    return tls_end_new(&ends[slot], &s) ? 0 : -1;
}

int enc_tls_step(int slot, const uint8_t *in, size_t in_size, uint8_t *out, size_t cap,
                 size_t *out_size)
{
    return slot < 0 || slot >= SLOTS ? -1
                                     : tls_end_step(&ends[slot], in, in_size, out, cap, out_size);
}

int enc_open(int slot, const char *service)
{
    return slot < 0 || slot >= SLOTS
               ? -1
               : (int)cm_attls_open(ends[slot].ssl, service, &channels[slot], NULL);
}

int enc_challenge(int slot, uint8_t *challenge)
{
    return slot < 0 || slot >= SLOTS ? -1 : (int)cm_attls_challenge(channels[slot], challenge);
}

int enc_answer(int slot, const uint8_t *challenge, size_t size, uint8_t *answer, size_t cap,
               size_t *answer_size)
{
    uint8_t *made = NULL;
    size_t n = 0;
    enum cm_status st = CM_ERR_PARAM;

    if (slot < 0 || slot >= SLOTS) {
        return -1;
    }
    st = cm_attls_answer(channels[slot], cm_span_make(challenge, size), &made, &n, NULL);
    if (st == CM_OK && n <= cap) {
        memcpy(answer, made, n);
        *answer_size = n;
    } else if (st == CM_OK) {
        st = CM_ERR_SPACE;
    }
    cm_attls_free_answer(made);
    return (int)st;
}

int enc_check(int slot, const uint8_t *answer, size_t size, const uint8_t *unique_id)
{
    struct cm_attls_policy policy = {.unique_id = unique_id};

    return slot < 0 || slot >= SLOTS
               ? -1
               : (int)cm_attls_check(channels[slot], cm_span_make(answer, size), &policy, NULL,
                                     NULL, NULL);
}

OE_SET_ENCLAVE_SGX(3, 4, true, 4096, 128, 2);
