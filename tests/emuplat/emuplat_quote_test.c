/* The emulated quoting enclave: what it signs, what it refuses, and who accepts the result. */
#include "emuplat_kit.h"

#include <openssl/pem.h>
#include <openssl/x509_vfy.h>

#include "common/span.h"
#include "crypto/crypto.h"

TEST(a_quote_verifies_under_the_emulated_root)
{
    static uint8_t quote[KIT_QUOTE_MAX];
    struct kit_verdict v;
    size_t size = 0;

    REQUIRE(kit_fresh());
    size = kit_quote(quote);
    REQUIRE(size != 0);
    v = kit_verify(cm_span_make(quote, size), 0);
    CHECK_EQ(v.status, CM_OK);
    CHECK_STR(v.check, "");
    CHECK_STR(v.tcb, "UpToDate");
    CHECK(v.emulated);
    CHECK_EQ(v.authority, CM_AUTHORITY_SELF); /* of its measurement: no hardware stands behind it */
    kit_remove();
}

static X509 *next_cert(BIO *bio)
{
    return PEM_read_bio_X509(bio, NULL, NULL, NULL);
}

/* whether OpenSSL, at its strictest, finds a way from the leaf to the root, with both lists */
static bool openssl_accepts(struct cm_span chain, struct cm_span root_crl, struct cm_span pck_crl,
                            size_t others)
{
    BIO *bio = BIO_new_mem_buf(chain.ptr, (int)chain.len);
    X509 *leaf = next_cert(bio);
    STACK_OF(X509) *between = sk_X509_new_null();
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    const unsigned char *at = root_crl.ptr;
    X509_CRL *lists[2] = {d2i_X509_CRL(NULL, &at, (long)root_crl.len), NULL};
    X509 *root = NULL;
    bool good = false;

    at = pck_crl.ptr;
    lists[1] = d2i_X509_CRL(NULL, &at, (long)pck_crl.len);
    for (size_t i = 0; i < others; i++) {
        (void)sk_X509_push(between, next_cert(bio));
    }
    root = next_cert(bio);
    good = X509_STORE_add_cert(store, root) == 1 && X509_STORE_add_crl(store, lists[0]) == 1 &&
           X509_STORE_add_crl(store, lists[1]) == 1 &&
           X509_STORE_set_flags(store, X509_V_FLAG_X509_STRICT | X509_V_FLAG_CRL_CHECK |
                                           X509_V_FLAG_CRL_CHECK_ALL) == 1 &&
           X509_STORE_CTX_init(ctx, store, leaf, between) == 1 && X509_verify_cert(ctx) == 1;
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
    sk_X509_pop_free(between, X509_free);
    X509_free(root);
    X509_free(leaf);
    X509_CRL_free(lists[0]);
    X509_CRL_free(lists[1]);
    BIO_free(bio);
    return good;
}

TEST(another_library_accepts_the_chains_and_the_revocation)
{
    static uint8_t quote[KIT_QUOTE_MAX];
    size_t size = 0;

    REQUIRE(kit_fresh());
    size = kit_quote(quote);
    REQUIRE(size != 0);
    for (int revoked = 0; revoked < 2; revoked++) {
        const struct cm_emuplat_info *i = NULL;
        struct cm_emuplat_bundle *b = NULL;

        REQUIRE(cm_emuplat_collateral(&b, NULL) == CM_OK);
        i = cm_emuplat_bundle_info(b);
        CHECK(openssl_accepts(i->tcb_chain, i->root_crl, i->pck_crl, 0));
        CHECK_EQ(
            openssl_accepts(cm_span_make(quote + 1052, size - 1052), i->root_crl, i->pck_crl, 1),
            revoked == 0);
        cm_emuplat_bundle_free(b);
        CHECK_EQ(cm_emuplat_revoke(NULL), CM_OK);
    }
    kit_remove();
}

TEST(G5_refused_unless_root_and_emulation_are_both_accepted)
{
    static uint8_t quote[KIT_QUOTE_MAX];
    struct cm_emuplat_bundle *b = NULL;
    struct cm_dcap_collateral col;
    struct cm_trust_root own;
    struct cm_trust_root unmarked;
    struct cm_trust_root both[2];
    struct cm_verify_input in = {.now = cm_emuplat_clock()};
    struct kit_verdict v;
    size_t size = 0;

    REQUIRE(kit_fresh());
    size = kit_quote(quote);
    REQUIRE(size != 0 && cm_emuplat_collateral(&b, NULL) == CM_OK &&
            cm_emuplat_trust_root(&own, NULL) == CM_OK);
    col = cm_emuplat_bundle_view(b);
    CHECK(own.emulated);

    in.roots = cm_dcap_intel_root();
    in.root_count = 1;
    v = kit_judge(cm_span_make(quote, size), &col, &in, ~0u);
    CHECK_EQ(v.status, CM_ERR_POLICY);
    CHECK_STR(v.check, "root.trusted");
    in.flags = CM_VERIFY_ALLOW_EMULATED; /* allowed, but the root is not trusted */
    v = kit_judge(cm_span_make(quote, size), &col, &in, ~0u);
    CHECK_EQ(v.status, CM_ERR_POLICY);
    CHECK_STR(v.check, "root.trusted");

    both[0] = *cm_dcap_intel_root();
    both[1] = own;
    in.roots = both;
    in.root_count = 2;
    in.flags = 0; /* trusted, but not allowed */
    v = kit_judge(cm_span_make(quote, size), &col, &in, ~0u);
    CHECK_EQ(v.status, CM_ERR_POLICY);
    CHECK_STR(v.check, "root.trusted");
    in.flags = CM_VERIFY_ALLOW_EMULATED;
    v = kit_judge(cm_span_make(quote, size), &col, &in, 0);
    CHECK_EQ(v.status, CM_OK);
    CHECK(v.emulated);

    unmarked = own; /* another platform's root, however it is marked */
    unmarked.spki_sha256[0] ^= 1;
    in.roots = &unmarked;
    in.root_count = 1;
    v = kit_judge(cm_span_make(quote, size), &col, &in, ~0u);
    CHECK_EQ(v.status, CM_ERR_POLICY);
    cm_emuplat_bundle_free(b);
    kit_remove();
}

static uint32_t le(const uint8_t *p, size_t n)
{
    uint32_t v = 0;

    for (size_t i = n; i > 0; i--) {
        v = v << 8 | p[i - 1];
    }
    return v;
}

/* offsets by hand, from the format's tables */
TEST(the_layout_is_that_of_version_3)
{
    static const uint8_t vendor[16] = {0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9,
                                       0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07};
    static uint8_t quote[KIT_QUOTE_MAX];
    uint8_t report[432];
    uint8_t bound[96];
    uint8_t hash[32];
    size_t size = 0;
    size_t again = 0;

    REQUIRE(kit_fresh() && kit_report(report));
    CHECK_EQ(cm_emuplat_quote(report, quote, sizeof(quote), &size, NULL), CM_OK);
    CHECK_EQ(le(quote, 2), 3);
    CHECK_EQ(le(quote + 2, 2), 2);
    CHECK_EQ(le(quote + 4, 4), 0);
    CHECK_EQ(le(quote + 8, 2), 8);
    CHECK_MEM(quote + 12, vendor, 16);
    CHECK_EQ(le(quote + 44, 4), 0);
    CHECK_MEM(quote + 48, report, 384);
    CHECK_EQ(le(quote + 432, 4), size - 436);
    CHECK_EQ(le(quote + 436 + 576, 2), 32);
    memcpy(bound, quote + 436 + 64, 64);
    memcpy(bound + 64, quote + 436 + 578, 32);
    CHECK_EQ(cm_sha256_of(cm_span_make(bound, sizeof(bound)), hash), CM_OK);
    CHECK_MEM(quote + 436 + 128 + 320, hash, 32);
    for (size_t i = 0; i < 32; i++) {
        CHECK_EQ(quote[436 + 128 + 352 + i], 0);
    }
    CHECK_EQ(le(quote + 436 + 610, 2), 5);
    CHECK_EQ(le(quote + 436 + 612, 4), size - 436 - 616);
    CHECK_MEM(quote + 436 + 616, "-----BEGIN CERTIFICATE-----\n", 28);

    CHECK_EQ(cm_emuplat_quote(NULL, NULL, 0, &again, NULL), CM_OK);
    CHECK_EQ(again, size);
    kit_remove();
}

TEST(room_that_is_too_small_is_left_alone)
{
    static uint8_t quote[KIT_QUOTE_MAX];
    uint8_t report[432];
    size_t size = 0;
    size_t told = 0;

    REQUIRE(kit_fresh() && kit_report(report));
    REQUIRE(cm_emuplat_quote(NULL, NULL, 0, &size, NULL) == CM_OK);
    memset(quote, 0xaa, sizeof(quote));
    CHECK_EQ(cm_emuplat_quote(report, quote, size - 1, &told, NULL), CM_ERR_SPACE);
    CHECK_EQ(told, size);
    for (size_t i = 0; i < sizeof(quote); i++) {
        if (quote[i] != 0xaa) {
            TEST_FAIL("byte %zu was written", i);
            break;
        }
    }
    CHECK_EQ(cm_emuplat_quote(report, quote, size, &told, NULL), CM_OK);
    CHECK_EQ(quote[size], 0xaa);
    CHECK_EQ(cm_emuplat_quote(NULL, quote, size, &told, NULL), CM_ERR_PARAM);
    CHECK_EQ(cm_emuplat_quote(report, quote, size, NULL, NULL), CM_ERR_PARAM);
    kit_remove();
}

/* the MAC covers the body; KEYID chooses the key: no bit of a REPORT can be changed */
TEST(a_changed_report_is_never_quoted)
{
    static uint8_t quote[KIT_QUOTE_MAX];
    uint8_t report[432];
    size_t size = 0;

    REQUIRE(kit_fresh() && kit_report(report));
    for (size_t i = 0; i < sizeof(report); i++) {
        report[i] ^= (uint8_t)(1u << (i % 8));
        CHECK_EQ(cm_emuplat_quote(report, quote, sizeof(quote), &size, NULL), CM_ERR_SIGNATURE);
        report[i] ^= (uint8_t)(1u << (i % 8));
    }
    CHECK_EQ(cm_emuplat_quote(report, quote, sizeof(quote), &size, NULL), CM_OK);
    kit_remove();
}

TEST(a_report_for_another_target_or_of_another_processor_is_refused)
{
    static uint8_t quote[KIT_QUOTE_MAX];
    struct cm_emu_platform fuses;
    struct sgx_targetinfo target;
    struct sgx_report report;
    struct cm_emu_ident id;
    uint8_t foreign[432];
    uint8_t data[64] = {0};
    size_t size = 0;

    REQUIRE(kit_fresh() && kit_report(foreign));
    kit_remove();
    REQUIRE(kit_fresh());
    CHECK_EQ(cm_emuplat_quote(foreign, quote, sizeof(quote), &size, NULL), CM_ERR_SIGNATURE);

    memset(&id, 0, sizeof(id));
    REQUIRE(cm_emu_platform_load(&fuses, NULL) == CM_OK &&
            cm_emuplat_target_info((uint8_t *)&target, NULL) == CM_OK);
    target.attributes.flags ^= SGX_ATTR_DEBUG; /* the QE's debug twin */
    REQUIRE(cm_emu_report_make(&fuses, &id, &target, data, &report) == SGX_SUCCESS);
    CHECK_EQ(cm_emuplat_quote((const uint8_t *)&report, quote, sizeof(quote), &size, NULL),
             CM_ERR_SIGNATURE);
    target.attributes.flags ^= SGX_ATTR_DEBUG;
    target.mrenclave[31] ^= 1;
    REQUIRE(cm_emu_report_make(&fuses, &id, &target, data, &report) == SGX_SUCCESS);
    CHECK_EQ(cm_emuplat_quote((const uint8_t *)&report, quote, sizeof(quote), &size, NULL),
             CM_ERR_SIGNATURE);
    kit_remove();
}

TEST(H1_a_debug_enclave_is_quoted_and_then_refused)
{
    static uint8_t quote[KIT_QUOTE_MAX];
    uint8_t report[432];
    struct kit_verdict v;
    size_t size = 0;

    REQUIRE(kit_fresh() && kit_report_flags(SGX_ATTR_DEBUG, report));
    CHECK_EQ(cm_emuplat_quote(report, quote, sizeof(quote), &size, NULL), CM_OK);
    v = kit_verify(cm_span_make(quote, size), 0);
    CHECK_EQ(v.status, CM_ERR_POLICY);
    CHECK_STR(v.check, "debug");
    kit_remove();
}

TEST(no_signed_bit_of_a_quote_can_be_changed)
{
    static uint8_t quote[KIT_QUOTE_MAX];
    size_t size = 0;

    REQUIRE(kit_fresh());
    size = kit_quote(quote);
    REQUIRE(size != 0);
    for (size_t i = 0; i < size; i += 7) {
        quote[i] ^= 0x10;
        if (kit_verify(cm_span_make(quote, size), ~0u).status == CM_OK) {
            TEST_FAIL("byte %zu changed, and accepted", i);
        }
        quote[i] ^= 0x10;
    }
    kit_remove();
}

TEST(the_target_info_is_a_constant)
{
    uint8_t a[512];
    uint8_t b[512];

    REQUIRE(kit_fresh());
    CHECK_EQ(cm_emuplat_target_info(a, NULL), CM_OK);
    CHECK_EQ(cm_emuplat_reset(NULL), CM_OK);
    CHECK_EQ(cm_emuplat_target_info(b, NULL), CM_OK);
    CHECK_MEM(a, b, sizeof(a));
    CHECK_MEM(a, "CASEMATE EMULATED QE\0\0\0\0\0\0\0\0\0\0\0\0", 32);
    CHECK_EQ(cm_emuplat_target_info(NULL, NULL), CM_ERR_PARAM);
    kit_remove();
}

/* an enclave's side of the proof, with its own report key */
static bool proof_holds(const struct cm_emu_platform *fuses, const struct cm_emu_ident *enclave,
                        const uint8_t report[432])
{
    struct sgx_keyrequest req;
    struct sgx_report r;
    uint8_t key[16];
    uint8_t mac[16];

    memcpy(&r, report, sizeof(r));
    memset(&req, 0, sizeof(req));
    req.keyname = SGX_KEY_REPORT;
    memcpy(req.keyid, r.keyid, 32);
    return cm_emu_key_get(fuses, enclave, &req, key) == SGX_SUCCESS &&
           cm_cmac_aes128(key, cm_span_make(&r.body, sizeof(r.body)), mac) == CM_OK &&
           memcmp(mac, r.mac, sizeof(mac)) == 0;
}

TEST(the_proof_convinces_the_enclave_it_was_made_for)
{
    struct cm_emu_platform fuses;
    struct cm_emu_ident enclave;
    struct sgx_targetinfo target;
    struct sgx_report r;
    uint8_t report[432];
    uint8_t root[65];
    uint8_t hash[32];
    static const uint8_t zero[32];

    REQUIRE(kit_fresh());
    memset(&enclave, 0, sizeof(enclave));
    enclave.attributes.flags = SGX_ATTR_INIT | SGX_ATTR_MODE64;
    enclave.attributes.xfrm = 7;
    memset(enclave.mrenclave, 0x77, 32);
    memset(&target, 0, sizeof(target));
    target.attributes = enclave.attributes;
    memcpy(target.mrenclave, enclave.mrenclave, 32);
    CHECK_EQ(cm_emuplat_prove((const uint8_t *)&target, report, NULL), CM_OK);
    REQUIRE(cm_emu_platform_load(&fuses, NULL) == CM_OK);
    CHECK(proof_holds(&fuses, &enclave, report));
    memcpy(&r, report, sizeof(r));
    CHECK_MEM(r.body.mrenclave, CM_EMUPLAT_PROOF_MRENCLAVE "\0\0\0\0\0", 32);
    CHECK_EQ(cm_emuplat_root_key(root, NULL), CM_OK);
    CHECK_EQ(root[0], 4);
    CHECK_EQ(cm_sha256_of(cm_span_make(root, sizeof(root)), hash), CM_OK);
    CHECK_MEM(r.body.reportdata, hash, 32);
    CHECK_MEM(r.body.reportdata + 32, zero, 32);
    enclave.mrenclave[0] ^= 1; /* no other enclave believes it */
    CHECK(!proof_holds(&fuses, &enclave, report));
    enclave.mrenclave[0] ^= 1;
    fuses.seal_fuses[0] ^= 1; /* and no other processor */
    CHECK(!proof_holds(&fuses, &enclave, report));
    target.reserved3[383] = 1;
    CHECK_EQ(cm_emuplat_prove((const uint8_t *)&target, report, NULL), CM_ERR_FORMAT);
    CHECK_EQ(cm_emuplat_prove(NULL, report, NULL), CM_ERR_PARAM);
    CHECK_EQ(cm_emuplat_prove((const uint8_t *)&target, NULL, NULL), CM_ERR_PARAM);
    kit_remove();
}

TEST(a_proof_cannot_be_quoted_as_an_enclave)
{
    static uint8_t quote[KIT_QUOTE_MAX];
    uint8_t target[512];
    uint8_t report[432];
    size_t size = 0;

    /* the QE could be given a proof made for itself; its measurement says what it is */
    REQUIRE(kit_fresh() && cm_emuplat_target_info(target, NULL) == CM_OK);
    CHECK_EQ(cm_emuplat_prove(target, report, NULL), CM_OK);
    CHECK_EQ(cm_emuplat_quote(report, quote, sizeof(quote), &size, NULL), CM_OK);
    CHECK_MEM(quote + 48 + 64, CM_EMUPLAT_PROOF_MRENCLAVE, 26);
    kit_remove();
}

TEST_MAIN
