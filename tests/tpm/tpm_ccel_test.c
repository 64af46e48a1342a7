/* A TD's event log beside its quote, through cm_verify(): quotes of a platform of our own. */
#include "harness.h"

#include <casemate/verify.h>

#include "evidence/claims.h"
#include "pki.h"
#include "tpm/tcg_log.h"
#include "tpm_kit.h"

#define RTMR0 328 /* in a TD report 1.0 */

static struct kit_log log_of_td;

static void make_log(void)
{
    static const uint16_t sha384[] = {CM_TPM_ALG_SHA384};
    static const uint8_t zeros[4];
    uint8_t data[256];
    size_t len = kit_variable("SecureBoot", 1, data);

    kit_log_begin(&log_of_td, sha384, 1);
    kit_log_data(&log_of_td, 1, CM_TCG_EFI_VARIABLE_CONFIG, cm_span_make(data, len));
    kit_log_data(&log_of_td, 1, CM_TCG_SEPARATOR, cm_span_make(zeros, 4));
}

/* A quote whose RTMR 0 is the log's, or not, with the log beside it. */
static enum cm_status verify(unsigned body_type, bool right, bool trusted, struct cm_evidence **ev)
{
    struct pki_spec s;
    struct pki_bundle *b = NULL;
    struct cm_verify_input in = {.now = PKI_NOW};
    struct cm_material with = {CM_MATERIAL_EVENT_LOG, "log", {NULL, 0}};
    struct cm_verify_job job = {.materials = &with, .material_count = 1, .in = &in};
    enum cm_status st = CM_OK;

    make_log();
    pki_defaults(&s, 4, body_type);
    if (body_type != 1) {
        memset(s.body + RTMR0, 0, (size_t)4 * 48);
        memcpy(s.body + RTMR0, log_of_td.value[0][1], 48);
        s.body[RTMR0] ^= right ? 0 : 1;
    }
    b = pki_make(&s);
    job.evidence = b->quote;
    job.dcap = &b->col;
    job.accept_tcb = 0xff;
    in.roots = &b->root;
    in.root_count = trusted ? 1 : 0;
    with.bytes = kit_log_bytes(&log_of_td);
    st = cm_verify(&job, ev);
    pki_free(b);
    return st;
}

TEST(a_log_that_leads_to_the_quotes_registers)
{
    struct cm_evidence *ev = NULL;
    const struct cm_claim *c = NULL;

    CHECK_EQ(verify(2, true, true, &ev), CM_OK);
    c = cm_evidence_find(ev, 0, "ccel.secure_boot", 0);
    REQUIRE(c != NULL);
    CHECK_EQ(c->number, 1);
    CHECK_EQ(c->authority, CM_AUTHORITY_HARDWARE);
    cm_evidence_free(ev);
}

TEST(a_log_that_does_not_is_refused)
{
    struct cm_evidence *ev = NULL;

    CHECK_EQ(verify(2, false, true, &ev), CM_ERR_MISMATCH);
    CHECK_EQ(cm_evidence_result(ev, 0, "ccel.event_log"), CM_CHECK_FAIL);
    CHECK_EQ(cm_evidence_find(ev, 0, "ccel.secure_boot", 0)->authority, CM_AUTHORITY_SELF);
    cm_evidence_free(ev);
}

TEST(a_quote_that_is_not_genuine_proves_no_log)
{
    struct cm_evidence *ev = NULL;

    CHECK(verify(2, true, false, &ev) != CM_OK);
    CHECK_EQ(cm_evidence_find(ev, 0, "ccel.secure_boot", 0)->authority, CM_AUTHORITY_SELF);
    cm_evidence_free(ev);
}

TEST(an_enclave_has_no_such_log)
{
    struct cm_evidence *ev = NULL;

    CHECK_EQ(verify(1, true, true, &ev), CM_ERR_UNSUPPORTED);
    CHECK_EQ(cm_evidence_result(ev, 0, "ccel.event_log"), CM_CHECK_FAIL);
    cm_evidence_free(ev);
}

TEST_MAIN
