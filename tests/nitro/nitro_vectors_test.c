/* The Nitro vectors of ../shared/vectors/evidence, where they exist, under AWS's root. */
#include "nitro_expect.h"

#include <unistd.h>

#include "os/os.h"

#define ROOT      "../shared/vectors/evidence/nitro/"
#define PROD      ROOT "evervault-2022-prod/doc.cbor"
#define DBG       ROOT "evervault-2022-debug/doc.cbor"

#define PROD_TIME UINT64_C(1665651482) /* 2022-10-13T08:58:02Z */
#define PROD_END  UINT64_C(1665662282) /* 2022-10-13T11:58:02Z */
#define DBG_TIME  UINT64_C(1665582606)

static void expect_file(int line, const char *path, uint64_t now, unsigned flags,
                        enum cm_status want, const char *check)
{
    size_t roots = 0;
    struct cm_verify_input in = {.now = now, .flags = flags};
    uint8_t *bytes = NULL;
    size_t len = 0;

    in.roots = cm_verify_roots(&roots);
    in.root_count = roots;
    if (cm_file_read(path, 1 << 20, &bytes, &len, NULL) != CM_OK) {
        TEST_FAIL("%s is missing", path);
        return;
    }
    CHECK(cm_nitro_recognise(cm_span_make(bytes, len)));
    CHECK_EQ(cm_verify_recognise(cm_span_make(bytes, len)), CM_FORMAT_NITRO);
    nitro_expect(line, nitro_verify(cm_span_make(bytes, len), &in, NULL), want, check);
    free(bytes);
}

TEST(real_documents_verify_while_their_certificates_are_valid)
{
    if (access(ROOT, F_OK) != 0) {
        SKIP("no vectors");
    }
    expect_file(__LINE__, PROD, PROD_TIME, 0, CM_OK, NULL);
    expect_file(__LINE__, PROD, PROD_END, 0, CM_OK, NULL);
    expect_file(__LINE__, PROD, PROD_END + 1, 0, CM_ERR_EXPIRED, "nitro.chain_validity");
    expect_file(__LINE__, PROD, PROD_TIME - 10, 0, CM_ERR_EXPIRED, "nitro.chain_validity");
    expect_file(__LINE__, DBG, DBG_TIME, 0, CM_ERR_POLICY, "debug");
    expect_file(__LINE__, DBG, DBG_TIME, CM_VERIFY_ALLOW_DEBUG, CM_OK, NULL);
}

/* documents that stand in a certificate's alternative names, in hexadecimal */
static size_t from_certificate(const char *path, char *out, size_t cap)
{
    uint8_t *bytes = NULL;
    size_t len = 0;
    size_t n = 0;
    size_t i = 0;

    if (cm_file_read(path, 1 << 20, &bytes, &len, NULL) != CM_OK) {
        return 0;
    }
    while (i + 10 < len && memcmp(bytes + i, "8444a10138", 10) != 0) {
        i++;
    }
    for (; i < len && n < cap; i++) {
        char c = (char)bytes[i];

        if ((c < '0' || c > '9') && (c < 'a' || c > 'f')) {
            break;
        }
        out[n++] = c;
    }
    free(bytes);
    return n;
}

TEST(a_document_out_of_a_certificate_verifies_as_text)
{
    static char text[65536];
    size_t roots = 0;
    struct cm_verify_input in = {.now = 1674045700};
    struct cm_verify_job job = {.in = &in};
    struct cm_evidence *ev = NULL;
    const struct cm_claim *iat = NULL;

    if (access(ROOT, F_OK) != 0) {
        SKIP("no vectors");
    }
    job.evidence = cm_span_make(
        text,
        from_certificate(ROOT "evervault-cert-san/"
                              "non-debug-cert-containing-attestation-document-18-1-23-der.crt",
                         text, sizeof(text)));
    REQUIRE(job.evidence.len > 8000);
    in.roots = cm_verify_roots(&roots);
    in.root_count = roots;
    CHECK_EQ(cm_verify_recognise(job.evidence), CM_FORMAT_NITRO);
    CHECK_EQ(cm_verify(&job, &ev), CM_ERR_EXPIRED);
    iat = cm_evidence_find(ev, 0, CM_CLAIM_IAT, 0);
    REQUIRE(iat != NULL);
    CHECK_EQ(iat->authority, CM_AUTHORITY_SELF);
    in.now = iat->number;
    cm_evidence_free(ev);
    CHECK_EQ(cm_verify(&job, &ev), CM_OK);
    cm_evidence_free(ev);
}

TEST_MAIN
