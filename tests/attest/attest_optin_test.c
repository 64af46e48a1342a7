/*
 * Attestation is opt-in by EDL: an enclave without the import is told so once and still does what
 * needs no host; one with it and without OpenSSL still gives its host reports.
 */
#include "harness.h"

#include <fcntl.h>
#include <openenclave/attestation/sgx/evidence.h>
#include <openenclave/attestation/verifier.h>
#include <openenclave/host.h>
#include <unistd.h>

#include "attest/attest_wire.h"
#include "bare_u.h"
#include "plain_u.h"

static oe_enclave_t *bare;
static oe_enclave_t *plain;
static uint8_t buffer[65536];

TEST(the_enclaves_start)
{
    CHECK_EQ(
        oe_create_bare_enclave(BARE, OE_ENCLAVE_TYPE_SGX, OE_ENCLAVE_FLAG_SIMULATE, NULL, 0, &bare),
        OE_OK);
    CHECK_EQ(oe_create_plain_enclave(PLAIN, OE_ENCLAVE_TYPE_SGX, OE_ENCLAVE_FLAG_SIMULATE, NULL, 0,
                                     &plain),
             OE_OK);
}

/* what the enclave of `call` writes to stderr, twice asked */
static size_t said(const char *needle)
{
    static char text[8192];
    char path[] = "/tmp/attest_optin_XXXXXX";
    int fd = mkstemp(path);
    int saved = dup(STDERR_FILENO);
    oe_result_t result = OE_OK;
    size_t size = 0;
    size_t count = 0;
    ssize_t got = 0;

    if (fd < 0 || saved < 0 || dup2(fd, STDERR_FILENO) < 0) {
        return 99;
    }
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(bare_evidence(bare, &result, false, buffer, sizeof(buffer), &size), OE_OK);
        CHECK_EQ(result, OE_UNSUPPORTED);
    }
    (void)dup2(saved, STDERR_FILENO);
    (void)close(saved);
    got = pread(fd, text, sizeof(text) - 1, 0);
    (void)close(fd);
    (void)unlink(path);
    text[got < 0 ? 0 : got] = '\0';
    for (const char *p = text; (p = strstr(p, needle)) != NULL; p++) {
        count++;
    }
    return count;
}

TEST(the_missing_import_is_named_once)
{
    CHECK_EQ(said("openenclave/edl/sgx/attestation.edl"), 1);
}

TEST(what_needs_no_host_works)
{
    oe_result_t result = OE_FAILURE;
    size_t size = 0;
    uint8_t *report = NULL;

    CHECK_EQ(bare_evidence(bare, &result, true, buffer, sizeof(buffer), &size), OE_OK);
    CHECK_EQ(result, OE_OK);
    CHECK_EQ(size, 32 + 432);
    /* made for nobody: refused, but for the right reason */
    CHECK_EQ(bare_verify(bare, &result, buffer, size, NULL, 0), OE_OK);
    CHECK_EQ(result, OE_VERIFY_FAILED_AES_CMAC_MISMATCH);
    CHECK_EQ(oe_get_report(bare, 0, NULL, 0, &report, &size), OE_UNSUPPORTED);
    CHECK(report == NULL);
}

TEST(reports_without_openssl_inside)
{
    uint8_t *report = NULL;
    uint8_t *target_report = NULL;
    void *target = NULL;
    size_t size = 0;
    size_t target_size = 0;
    int answer = 0;

    CHECK_EQ(plain_answer(plain, &answer), OE_OK);
    CHECK_EQ(answer, 42);
    CHECK_EQ(oe_get_report(plain, 0, NULL, 0, &report, &size), OE_OK);
    CHECK_EQ(oe_get_target_info(report, size, &target, &target_size), OE_OK);
    CHECK_EQ(oe_get_report(plain, 0, target, target_size, &target_report, &size), OE_OK);
    /* verifying is not linked into this one */
    CHECK_EQ(oe_verify_report(plain, target_report, size, NULL), OE_UNSUPPORTED);
    oe_free_report(report);
    oe_free_report(target_report);
    oe_free_target_info(target);
}

/* given endorsements, a verifier needs nothing of its host; without it cannot fetch them */
TEST(verifying_with_and_without_endorsements)
{
    static const oe_uuid_t legacy = {OE_FORMAT_UUID_LEGACY_REPORT_REMOTE};
    struct cm_span part = {NULL, 0};
    uint8_t *report = NULL;
    uint8_t *evidence = NULL;
    uint8_t *plain_endorsements = NULL;
    uint8_t *endorsements = NULL;
    size_t size = 0;
    size_t evidence_size = 0;
    size_t endorsements_size = 0;
    oe_result_t result = OE_UNEXPECTED;

    REQUIRE(oe_get_report(plain, OE_REPORT_FLAGS_REMOTE_ATTESTATION, NULL, 0, &report, &size) ==
            OE_OK);
    part = cm_span_make(report, size);
    REQUIRE(cm_attest_join(&legacy, &part, 1, &evidence, &evidence_size) == OE_OK);
    REQUIRE(oe_get_sgx_endorsements(report + 16, size - 16, NULL, 0, &plain_endorsements, &size) ==
            OE_OK);
    part = cm_span_make(plain_endorsements, size);
    REQUIRE(cm_attest_join(&legacy, &part, 1, &endorsements, &endorsements_size) == OE_OK);
    CHECK_EQ(bare_verify(bare, &result, evidence, evidence_size, NULL, 0), OE_OK);
    CHECK_EQ(result, OE_UNSUPPORTED);
    CHECK_EQ(setenv("CASEMATE_ACCEPT_EMULATED", "1", 1), 0); /* nobody can tell the enclave */
    CHECK_EQ(bare_verify(bare, &result, evidence, evidence_size, endorsements, endorsements_size),
             OE_OK);
    CHECK_EQ(result, OE_VERIFY_FAILED);
    CHECK_EQ(bare_accept(bare), OE_OK);
    CHECK_EQ(bare_verify(bare, &result, evidence, evidence_size, endorsements, endorsements_size),
             OE_OK);
    CHECK_EQ(result, OE_OK);
    oe_free_report(report);
    oe_free_sgx_endorsements(plain_endorsements);
    free(evidence);
    free(endorsements);
}

TEST(the_enclaves_end)
{
    CHECK_EQ(oe_terminate_enclave(bare), OE_OK);
    CHECK_EQ(oe_terminate_enclave(plain), OE_OK);
}

TEST_MAIN
