/* Quotes verified inside an emulated enclave: the same status, checks and claims as outside. */
#include "expect.h"

#include <openenclave/host.h>

#include "evidence_inside_u.h"

#define CAP 65536

static oe_enclave_t *enclave;

static void same_answer(int line, const struct pki_bundle *b, uint64_t now)
{
    static char inside[CAP];
    static char outside[CAP];
    const struct cm_span parts[8] = {
        b->quote,           b->col.tcb_info,          b->col.tcb_info_chain,
        b->col.qe_identity, b->col.qe_identity_chain, b->col.root_ca_crl,
        b->col.pck_crl,     b->col.pck_chain};
    struct cm_trust_root root = {"sgx", "given by the host", {0}, false};
    struct cm_verify_input in = {.now = now, .roots = &root, .root_count = 1};
    struct cm_evidence *ev = NULL;
    uint64_t lengths[8];
    uint8_t *all = NULL;
    size_t total = 0;
    size_t len = 0;
    enum cm_status want = CM_OK;
    int got = -1;

    for (size_t i = 0; i < 8; i++) {
        lengths[i] = parts[i].len;
        total += parts[i].len;
    }
    all = malloc(total + 1);
    REQUIRE(all != NULL);
    for (size_t i = 0, at = 0; i < 8; at += parts[i].len, i++) {
        if (parts[i].len != 0) {
            memcpy(all + at, parts[i].ptr, parts[i].len);
        }
    }
    memcpy(root.spki_sha256, b->root.spki_sha256, 32);
    want = cm_dcap_verify(b->quote, &b->col, &in, 0xff, NULL, &ev);
    memset(outside, 0, CAP);
    CHECK(ev == NULL || cm_evidence_json(ev, outside, CAP - 1, &len) == CM_OK);
    cm_evidence_free(ev);
    if (verify_inside(enclave, &got, lengths, all, total, root.spki_sha256, now, 0, inside, CAP) !=
            OE_OK ||
        got != (int)want || strcmp(inside, outside) != 0) {
        TEST_FAIL("line %d: inside %d, outside %d", line, got, (int)want);
    }
    free(all);
}

#define SAME(version, type, change)        \
    do {                                   \
        struct pki_spec s;                 \
        struct pki_bundle *b = NULL;       \
        pki_defaults(&s, version, type);   \
        change;                            \
        b = pki_make(&s);                  \
        same_answer(__LINE__, b, PKI_NOW); \
        pki_free(b);                       \
    } while (0)

TEST(the_enclave_starts)
{
    CHECK_EQ(oe_create_evidence_inside_enclave(ENCLAVE, OE_ENCLAVE_TYPE_SGX,
                                               OE_ENCLAVE_FLAG_DEBUG | OE_ENCLAVE_FLAG_SIMULATE,
                                               NULL, 0, &enclave),
             OE_OK);
}

TEST(genuine_quotes_inside)
{
    REQUIRE(enclave != NULL);
    SAME(3, 1, (void)0);
    SAME(4, 1, (void)0);
    SAME(4, 2, (void)0);
    SAME(5, 3, s.body[0] = 4);
    SAME(5, 4, (void)0);
    SAME(3, 1, s.levels[0].status = "SWHardeningNeeded"; s.levels[0].advisory = "INTEL-SA-1");
    SAME(3, 1, s.cert_type = 4; s.give_chain = true);
}

TEST(refusals_inside)
{
    REQUIRE(enclave != NULL);
    SAME(3, 1, s.quote_signer = PKI_OTHER);
    SAME(3, 1, s.qe_report_signer = PKI_OTHER);
    SAME(3, 1, s.tcb_signer = PKI_OTHER);
    SAME(3, 1, s.pck.signer = PKI_OTHER);
    SAME(3, 1, s.pck.key = PKI_P384);
    SAME(3, 1, s.pck_crl.revoked = s.pck.serial);
    SAME(3, 1, s.body[48] |= 2);
    SAME(3, 1, s.header[0] = 9);
    SAME(3, 1, s.pck.not_after = PKI_NOW - 1);
    SAME(3, 1, s.levels[0].status = "Revoked");
    SAME(3, 1, s.tcb_fmspc[0] ^= 1);
    SAME(4, 2, s.modules[0].id = "TDX_07");
}

TEST(the_enclave_ends)
{
    REQUIRE(enclave != NULL);
    CHECK_EQ(oe_terminate_enclave(enclave), OE_OK);
}

TEST_MAIN
