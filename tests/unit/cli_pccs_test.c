/* What the PCCS answers to requests, good and bad, without a network. */
#include "harness.h"

#include "cli/cli_pccs.h"
#include "cli/cli_pccs_query.h"

#define B(text)                                   \
    {                                             \
        (const uint8_t *)(text), sizeof(text) - 1 \
    }

static const struct cm_emuplat_info info = {
    .fmspc = {0xca, 0x5e, 0x3a, 0x7e, 0x00, 0x01},
    .pcesvn = 13,
    .cpusvn = {4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 5},
    .qe_id = {0xab, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
    .evaluation = 7,
    .root = B("root"),
    .pck = B("pck"),
    .pck_ca = B("-----CA\n+ root"),
    .tcb_info = B("{tcb3}"),
    .tcb_info_v2 = B("{tcb2}"),
    .tcb_chain = B("-----signer\n+ root"),
    .qe_identity = B("{qe}"),
    .root_crl = B("\x30\x01"),
    .pck_crl = B("\x30\x02\xff"),
    .root_crl_uri = "https://root.invalid/a",
    .pck_crl_uri = "https://pck.invalid/?ca=b&c=d",
};

#define V3        "/sgx/certification/v3/"
#define V4        "/sgx/certification/v4/"
#define QEID      "qeid=AB0102030405060708090a0B0C0D0E0F"
#define CPUSVN    "&cpusvn=04040404040404040404040404040405"
#define PCK_QUERY QEID CPUSVN "&pcesvn=0D00&pceid=0000"

/* The status, and body and one header when they are given. */
static void expect(int line, const char *uri, int status, const char *body, const char *header)
{
    struct cm_pccs_answer a;

    if (cm_pccs_answer(CM_PCCS_READ, uri, &info, &a) != CM_OK) {
        TEST_FAIL("line %d: no answer", line);
        return;
    }
    if (a.status != status) {
        TEST_FAIL("line %d: %.60s: %d, not %d", line, uri, a.status, status);
    }
    if (body != NULL && (a.body_len != strlen(body) || memcmp(a.body, body, a.body_len) != 0)) {
        TEST_FAIL("line %d: body '%.*s'", line, (int)a.body_len, (const char *)a.body);
    }
    if (header != NULL) {
        bool found = false;

        for (size_t i = 0; i < a.header_count; i++) {
            char text[256] = "";

            (void)snprintf(text, sizeof(text), "%s: %s", a.headers[i].name, a.headers[i].value);
            found = found || strcmp(text, header) == 0;
        }
        if (!found) {
            TEST_FAIL("line %d: no header '%s'", line, header);
        }
    }
    cm_pccs_answer_free(&a);
}

#define EXPECT(uri, status, body, header) expect(__LINE__, (uri), (status), (body), (header))

TEST(documents_of_both_versions)
{
    const char *const chain = "TCB-Info-Issuer-Chain: -----signer%0A%2B%20root";

    EXPECT(V4 "tcb?fmspc=CA5E3A7E0001", 200, "{tcb3}", chain);
    EXPECT(V3 "tcb?fmspc=ca5e3a7e0001", 200, "{tcb2}",
           "SGX-TCB-Info-Issuer-Chain: -----signer%0A%2B%20root");
    EXPECT(V4 "qe/identity", 200, "{qe}",
           "SGX-Enclave-Identity-Issuer-Chain: -----signer%0A%2B%20root");
    EXPECT(V3 "qe/identity?update=early", 200, "{qe}", NULL);
    EXPECT(V4 "tcb?fmspc=CA5E3A7E0001&update=standard", 200, "{tcb3}", chain);
    EXPECT(V4 "tcb?update=late&fmspc=CA5E3A7E0001", 400, NULL, NULL);
    EXPECT(V4 "tcb", 400, NULL, NULL);
    EXPECT(V4 "tcb?fmspc=", 400, NULL, NULL);
    EXPECT(V4 "tcb?fmspc=CA5E3A7E00", 400, NULL, NULL);
    EXPECT(V4 "tcb?fmspc=CA5E3A7E000G", 400, NULL, NULL);
    EXPECT(V4 "tcb?fmspc=CA5E3A7E0002", 404, "No cache data for this platform.", NULL);
}

TEST(evaluation_numbers_choose_an_edition)
{
    EXPECT(V4 "tcb?fmspc=CA5E3A7E0001&tcbEvaluationDataNumber=7", 200, "{tcb3}", NULL);
    EXPECT(V4 "tcb?fmspc=CA5E3A7E0001&tcbEvaluationDataNumber=6", 410, NULL, NULL);
    EXPECT(V4 "tcb?fmspc=CA5E3A7E0001&tcbEvaluationDataNumber=8", 404, NULL, NULL);
    EXPECT(V4 "tcb?fmspc=CA5E3A7E0001&tcbEvaluationDataNumber=7x", 400, NULL, NULL);
    EXPECT(V4 "tcb?fmspc=CA5E3A7E0001&tcbEvaluationDataNumber=-7", 400, NULL, NULL);
    EXPECT(V4 "tcb?fmspc=CA5E3A7E0001&tcbEvaluationDataNumber=99999999999", 400, NULL, NULL);
    EXPECT(V4 "tcb?fmspc=CA5E3A7E0001&tcbEvaluationDataNumber=7&update=early", 400, NULL, NULL);
    EXPECT(V4 "qe/identity?tcbEvaluationDataNumber=6", 410, NULL, NULL);
    EXPECT(V3 "qe/identity?tcbEvaluationDataNumber=7", 400, NULL, NULL); /* version 4's */
}

TEST(lists_in_every_form)
{
    const char *const chain = "SGX-PCK-CRL-Issuer-Chain: -----CA%0A%2B%20root";

    EXPECT(V4 "pckcrl?ca=platform&encoding=der", 200, "\x30\x02\xff", chain);
    EXPECT(V4 "pckcrl?ca=PLATFORM", 200, "-----BEGIN X509 CRL-----\nMAL/\n-----END X509 CRL-----\n",
           chain);
    EXPECT(V3 "pckcrl?ca=platform&encoding=pem", 200, NULL, chain);
    EXPECT(V3 "pckcrl?ca=platform&encoding=hex", 400, NULL, NULL);
    EXPECT(V4 "pckcrl?ca=processor", 404, NULL, NULL);
    EXPECT(V4 "pckcrl?ca=root", 400, NULL, NULL);
    EXPECT(V4 "pckcrl", 400, NULL, NULL);
    EXPECT(V4 "rootcacrl", 200, "3001", NULL);
    EXPECT(V4 "crl?uri=https%3A%2F%2Froot.invalid%2Fa", 200, "\x30\x01", NULL);
    EXPECT(V4 "crl?uri=https://pck.invalid/%3Fca%3Db%26c=d", 200, "\x30\x02\xff", NULL);
    EXPECT(V4 "crl?uri=https://elsewhere.invalid/a", 400, NULL, NULL);
    EXPECT(V4 "crl", 400, NULL, NULL);
}

TEST(the_pck_certificate_is_given_to_its_platform)
{
    EXPECT(V4 "pckcert?" PCK_QUERY, 200, "pck", "SGX-TCBm: 040404040404040404040404040404050D00");
    EXPECT(V4 "pckcert?" PCK_QUERY, 200, "pck", "SGX-FMSPC: CA5E3A7E0001");
    EXPECT(V3 "pckcert?" PCK_QUERY, 200, "pck", "SGX-PCK-Certificate-CA-Type: platform");
    EXPECT(V3 "pckcert?" PCK_QUERY, 200, "pck",
           "SGX-PCK-Certificate-Issuer-Chain: -----CA%0A%2B%20root");
    EXPECT(V4 "pckcert?" QEID "&cpusvn=FF0404040404040404040404040404FF&pcesvn=0001&pceid=0000",
           200, "pck", NULL); /* newer: this one is the best below */
    EXPECT(V4 "pckcert?" QEID "&cpusvn=04040404040404040404040404040404&pcesvn=0D00&pceid=0000",
           404, NULL, NULL); /* older in one component */
    EXPECT(V4 "pckcert?" QEID CPUSVN "&pcesvn=0C00&pceid=0000", 404, NULL, NULL);
    EXPECT(V4 "pckcert?" QEID CPUSVN "&pcesvn=0D00&pceid=0100", 404, NULL, NULL);
    EXPECT(V4 "pckcert?qeid=AC0102030405060708090a0B0C0D0E0F" CPUSVN "&pcesvn=0D00&pceid=0000", 404,
           NULL, NULL);
    EXPECT(V4 "pckcert?qeid=00" CPUSVN "&pcesvn=0D00&pceid=0000", 404, NULL, NULL);
    EXPECT(V4 "pckcert?qeid=" CPUSVN "&pcesvn=0D00&pceid=0000", 400, NULL, NULL);
    EXPECT(V4 "pckcert?" QEID "&pcesvn=0D00&pceid=0000", 400, NULL, NULL);
    EXPECT(V4 "pckcert?" QEID CPUSVN "&pcesvn=0D0&pceid=0000", 400, NULL, NULL);
    EXPECT(V4 "pckcert?" QEID CPUSVN "&pcesvn=0D00", 400, NULL, NULL);
    EXPECT(V4 "pckcert?" PCK_QUERY "&encrypted_ppid=00", 400, NULL, NULL);
}

TEST(paths_that_are_none)
{
    static const char *const none[] = {"",
                                       "/",
                                       "?",
                                       V4,
                                       V4 "tcbx",
                                       V4 "tcb/",
                                       V4 "/tcb",
                                       "/sgx/certification/v4",
                                       "/sgx/certification/v2/tcb",
                                       "/sgx/certification/v5/tcb",
                                       "/sgx/certification/v44/tcb",
                                       "/tdx/certification/v4/tcb?fmspc=CA5E3A7E0001",
                                       "//sgx/certification/v4/tcb",
                                       "/sgx/certification/v4/../v4/rootcacrl",
                                       V4 "qve/identity",
                                       "http://127.0.0.1" V4 "rootcacrl"};

    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        EXPECT(none[i], 404, NULL, NULL);
    }
}

TEST(nothing_can_be_changed)
{
    struct cm_pccs_answer a;

    CHECK_EQ(cm_pccs_answer(CM_PCCS_OTHER, V4 "rootcacrl", &info, &a), CM_OK);
    CHECK_EQ(a.status, 405);
    CHECK_STR(a.headers[1].name, "Allow");
    cm_pccs_answer_free(&a);
    CHECK_EQ(cm_pccs_answer(CM_PCCS_OTHER, V4 "platforms", &info, &a), CM_OK);
    CHECK_EQ(a.status, 404);
    cm_pccs_answer_free(&a);
    CHECK_EQ(cm_pccs_answer(CM_PCCS_BODY, V4 "rootcacrl", &info, &a), CM_OK);
    CHECK_EQ(a.status, 413);
    CHECK_STR(a.headers[1].name, "Connection");
    cm_pccs_answer_free(&a);
    cm_pccs_answer_failed(&a);
    CHECK_EQ(a.status, 500);
}

TEST(queries_that_are_malformed)
{
    static const char *const bad[] = {"%",   "%4",  "%4g", "%00", "%0a",
                                      "%7f", "%80", " ",   "\t",  "\xc3"};
    static char uri[2 * CM_PCCS_MAX_URI];
    size_t n = 0;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        (void)snprintf(uri, sizeof(uri), V4 "qe/identity?x=%s", bad[i]);
        EXPECT(uri, 400, NULL, NULL);
    }
    EXPECT(V4 "qe/identity?x=1&x=1", 400, NULL, NULL); /* which one is meant? */
    EXPECT(V4 "qe/identity?&&x&=&y=%20", 400, NULL, NULL);
    EXPECT(V4 "qe/identity?&&x&y=%41&", 200, NULL, NULL);

    n = (size_t)snprintf(uri, sizeof(uri), V4 "qe/identity?");
    for (unsigned i = 0; i < 17; i++) {
        n += (size_t)snprintf(uri + n, sizeof(uri) - n, "&p%u=", i);
    }
    EXPECT(uri, 400, NULL, NULL);

    n = (size_t)snprintf(uri, sizeof(uri), V4 "qe/identity?x=");
    memset(uri + n, 'a', CM_PCCS_MAX_VALUE);
    uri[n + CM_PCCS_MAX_VALUE] = '\0';
    EXPECT(uri, 200, NULL, NULL);
    uri[n + CM_PCCS_MAX_VALUE] = 'a';
    uri[n + CM_PCCS_MAX_VALUE + 1] = '\0';
    EXPECT(uri, 400, NULL, NULL);

    memset(uri, 'a', CM_PCCS_MAX_URI + 1);
    uri[CM_PCCS_MAX_URI + 1] = '\0';
    EXPECT(uri, 414, NULL, NULL);
    uri[CM_PCCS_MAX_URI] = '\0';
    EXPECT(uri, 404, NULL, NULL);
}

TEST(memory_that_runs_out)
{
    static const char *const uris[] = {V4 "pckcert?" PCK_QUERY, V4 "pckcrl?ca=platform",
                                       V4 "rootcacrl"};

    for (size_t i = 0; i < sizeof(uris) / sizeof(uris[0]); i++) {
        for (long k = 1; k < 40; k++) {
            struct cm_pccs_answer a;
            enum cm_status st = CM_OK;

            fail_alloc_at(k);
            st = cm_pccs_answer(CM_PCCS_READ, uris[i], &info, &a);
            if (!fail_alloc_hit()) {
                k = 40;
            }
            fail_alloc_at(-1);
            CHECK(st == CM_ERR_NOMEM || (st == CM_OK && a.status == 200));
            cm_pccs_answer_free(&a);
        }
    }
}

TEST_MAIN
