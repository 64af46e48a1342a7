/*
 * The rows H1 to H12 of the boundary table that are not in the other files (H2: statuses; H4, H8:
 * chains; H9 also tests/unit of crypto), and G5: an emulator's evidence.
 */
#include "expect.h"

#include "evidence/dcap_tcb.h"

TEST(H1_debug_is_refused_by_default)
{
    static const struct {
        unsigned version;
        unsigned type;
        size_t at;
        uint8_t bits;
    } cases[] = {{3, 1, 48, 0x02},
                 {4, 1, 48, 0x02},
                 {4, 2, 120, 0x01},
                 {5, 3, 120, 0x01},
                 {5, 4, 120, 0x80}}; /* any of the "TUD" bits */

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct cm_verify_input in = {.flags = CM_VERIFY_ALLOW_DEBUG};
        struct cm_evidence *ev = NULL;
        struct pki_bundle *b = NULL;
        struct pki_spec s;

        pki_defaults(&s, cases[i].version, cases[i].type);
        s.body[cases[i].at] |= cases[i].bits;
        expect_at(__LINE__, &s, CM_ERR_POLICY, "debug");
        b = pki_make(&s);
        CHECK_EQ(verify_with(b, &in, 0, NULL, &ev), CM_OK);
        CHECK_STR(cm_evidence_find(ev, 0, CM_CLAIM_DBGSTAT, 0)->text, "enabled");
        cm_evidence_free(ev);
        pki_free(b);
    }
    EXPECT3((void)0, CM_OK, "");
    EXPECT(4, 2, (void)0, CM_OK, "");
    /* a quoting enclave in debug mode is refused even if its identity's mask lets it pass */
    EXPECT3(s.qe_report[48] |= 2; s.qe_attr_mask = 0xf9, CM_ERR_MISMATCH, "qe.identity");
}

TEST(H3_sixteen_components_exactly)
{
    for (unsigned n = 0; n <= 18; n++) {
        enum cm_status want = n == 16 ? CM_OK : CM_ERR_FORMAT;
        const char *check = n == 16 ? "" : "tcb_info.signature";

        EXPECT3(s.tcb_components = n, want, check);
        EXPECT(4, 2, s.tcb_components = n, want, check);
        if (n < 16) {
            EXPECT3(s.tcb_version = 2; s.tcb_id = NULL; s.tcb_components = n, want, check);
        }
    }
}

/* The TCB info with one piece of its text replaced, signed afterwards. */
static void edited(int line, bool qe, const char *from, const char *to, enum cm_status want)
{
    struct pki_spec s;
    char *body = NULL;
    char *text = NULL;
    char *at = NULL;

    pki_defaults(&s, 4, 2);
    body = qe ? pki_qe_body(&s) : pki_tcb_body(&s);
    at = strstr(body, from);
    REQUIRE(at != NULL);
    text = malloc(65536);
    REQUIRE(text != NULL);
    (void)snprintf(text, 65536, "%.*s%s%s", (int)(at - body), body, to, at + strlen(from));
    *(qe ? &s.qe_body : &s.tcb_body) = text;
    expect_at(line, &s, want,
              want == CM_OK ? ""
              : qe          ? "qe_identity.signature"
                            : "tcb_info.signature");
    free(text);
    free(body);
}

#define EDIT(from, to, want)    edited(__LINE__, false, from, to, want)
#define EDIT_QE(from, to, want) edited(__LINE__, true, from, to, want)

TEST(H5_strict_documents)
{
    static char deep[512];

    EDIT("{\"id\"", "{ \"id\"", CM_OK); /* spaces are fine where they were signed */
    EDIT("\"version\":3", "\"version\":3,\"version\":3", CM_ERR_FORMAT);
    EDIT("\"version\":3", "\"version\":3,\"vers\\u0069on\":3", CM_ERR_FORMAT);
    EDIT("\"version\":3", "\"version\":3.0", CM_ERR_FORMAT);
    EDIT("\"version\":3", "\"version\":\"3\"", CM_ERR_FORMAT);
    EDIT("\"version\":3", "\"version\":-3", CM_ERR_FORMAT);
    EDIT("\"version\":3", "\"version\":3e0", CM_ERR_FORMAT);
    EDIT("\"version\":3", "\"version\":4", CM_ERR_FORMAT);
    EDIT("\"version\":3", "\"version\":1", CM_ERR_FORMAT);
    EDIT("\"version\":3,", "", CM_ERR_FORMAT);
    EDIT("\"tcbType\":0", "\"tcbType\":1", CM_ERR_FORMAT);
    EDIT("\"tcbType\":0,", "", CM_ERR_FORMAT);
    EDIT("\"pcesvn\":11", "\"pcesvn\":65536", CM_ERR_FORMAT);
    EDIT("\"pcesvn\":11", "\"pcesvn\":true", CM_ERR_FORMAT);
    EDIT("{\"svn\":5}", "{\"svn\":256}", CM_ERR_FORMAT);
    EDIT("{\"svn\":5}", "{\"svn\":5,\"category\":\"BIOS\",\"type\":\"x\"}", CM_OK);
    EDIT("{\"svn\":5}", "{}", CM_ERR_FORMAT);
    EDIT("{\"svn\":5}", "5", CM_ERR_FORMAT);
    EDIT("\"fmspc\":\"C0", "\"fmspc\":\"c0", CM_OK);
    EDIT("\"fmspc\":\"C0", "\"fmspc\":\"\\u00430", CM_ERR_FORMAT); /* an escape in a fixed field */
    EDIT("\"fmspc\":\"C0", "\"fmspc\":\"C00", CM_ERR_FORMAT);
    EDIT("\"fmspc\":\"C0", "\"fmspc\":\"C", CM_ERR_FORMAT);
    EDIT("\"fmspc\":\"C0", "\"fmspc\":\"G0", CM_ERR_FORMAT);
    EDIT("\"fmspc\":\"C0", "\"fmspc\":\"0x", CM_ERR_FORMAT);
    EDIT("\"fmspc\"", "\"fmspC\"", CM_ERR_FORMAT);
    EDIT("\"pceId\":\"0000\"", "\"pceId\":\"000\"", CM_ERR_FORMAT);
    EDIT("\"tcbEvaluationDataNumber\":17", "\"tcbEvaluationDataNumber\":4294967296", CM_ERR_FORMAT);
    EDIT("\"tcbEvaluationDataNumber\":17,", "", CM_ERR_FORMAT);
    EDIT("\"issueDate\":\"2", "\"issueDate\":\"3", CM_ERR_FORMAT); /* behind nextUpdate */
    EDIT("\"issueDate\":\"20", "\"issueDate\":\"2o", CM_ERR_FORMAT);
    EDIT("\"id\":\"TDX\"", "\"id\":\"TDXX\"", CM_ERR_FORMAT);
    EDIT("\"id\":\"TDX\",", "", CM_ERR_FORMAT);
    EDIT("\"tcbStatus\":\"UpToDate\"", "\"tcbStatus\":null", CM_ERR_FORMAT);
    EDIT("\"tcbStatus\":\"UpToDate\"", "\"tcbStatus\":\"UpToDate\",\"advisoryIDs\":{}",
         CM_ERR_FORMAT);
    EDIT("\"tcbStatus\":\"UpToDate\"", "\"tcbStatus\":\"UpToDate\",\"advisoryIDs\":[1]",
         CM_ERR_FORMAT);
    EDIT("\"tcbStatus\":\"UpToDate\"", "\"tcbStatus\":\"UpToDate\",\"advisoryIDs\":[]", CM_OK);
    EDIT("\"tcbStatus\":\"UpToDate\"",
         "\"tcbStatus\":\"UpToDate\",\"advisoryIDs\":["
         "\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
         "xxxxxxxxxxxxxxxxxxxxxx\"]",
         CM_ERR_FORMAT);
    EDIT("\"tcbDate\":\"2", "\"tcbDate\":\"", CM_ERR_FORMAT);
    EDIT("\"tcbLevels\":[", "\"tcbLevels\":[],\"x\":[", CM_ERR_FORMAT); /* the modules' */
    EDIT("\"tdxModuleIdentities\":[", "\"tdxModuleIdentities\":{},\"x\":[", CM_ERR_FORMAT);
    EDIT("\"tdxModule\":{", "\"tdxModule\":[],\"x\":{", CM_ERR_FORMAT);
    EDIT("\"tdxtcbcomponents\"", "\"tdxtcbcomponent\"", CM_ERR_FORMAT);
    EDIT("\"tdxModule\":{\"mrsigner\":\"00", "\"tdxModule\":{\"mrsigner\":\"0", CM_ERR_FORMAT);
    EDIT("\"id\":\"TDX_01\",\"mrsigner\":\"00", "\"id\":\"TDX_01\",\"mrsigner\":\"0",
         CM_ERR_FORMAT);
    EDIT("\"attributes\":\"00", "\"attributes\":\"0", CM_ERR_FORMAT);
    EDIT("\"attributesMask\":\"FF", "\"attributesMask\":\"F", CM_ERR_FORMAT);
    EDIT("\"id\":\"TDX_01\"", "\"id\":7", CM_ERR_FORMAT);
    EDIT("\"id\":\"TDX_01\"", "\"id\":\"TDX_0100000000000000\"", CM_ERR_FORMAT);
    EDIT("{\"isvsvn\":5}", "{\"isvsvn\":65536}", CM_ERR_FORMAT);
    EDIT_QE("\"version\":2", "\"version\":1", CM_ERR_FORMAT);
    EDIT_QE("\"version\":2", "\"version\":3", CM_ERR_FORMAT);
    EDIT_QE("\"id\":\"TD_QE\"", "\"id\":\"QVE\"", CM_ERR_FORMAT);
    EDIT_QE("\"isvprodid\":2", "\"isvprodid\":65538", CM_ERR_FORMAT);
    EDIT_QE("\"miscselect\":\"00", "\"miscselect\":\"", CM_ERR_FORMAT);
    EDIT_QE("\"miscselectMask\":\"FF", "\"miscselectMask\":\"", CM_ERR_FORMAT);
    EDIT_QE("\"attributes\":\"11", "\"attributes\":\"", CM_ERR_FORMAT);
    EDIT_QE("\"attributesMask\":\"FB", "\"attributesMask\":\"", CM_ERR_FORMAT);
    EDIT_QE("\"mrsigner\":\"A1", "\"mrsigner\":\"", CM_ERR_FORMAT);
    EDIT_QE("\"tcbLevels\":[", "\"tcbLevels\":[],\"x\":[", CM_ERR_FORMAT);
    EDIT_QE("{\"isvsvn\":8}", "{\"isvsvn\":8.5}", CM_ERR_FORMAT);
    EDIT_QE("\"nextUpdate\":\"20", "\"nextUpdate\":\"19", CM_ERR_FORMAT);
    memset(deep, '[', 200);
    memset(deep + 200, ']', 200);
    memcpy(deep + 400, ",\"y\":0", 7);
    memmove(deep + 4, deep, 407);
    memcpy(deep, "\"x\":", 4);
    memmove(deep + strlen(deep), ",\"version\":3", 13);
    EDIT("\"version\":3", deep, CM_ERR_FORMAT); /* 200 deep */
}

TEST(H5_the_received_bytes_are_what_is_signed)
{
    static const char *const tails[] = {" ", "{}", "\"", "x"};
    struct pki_spec s;
    struct pki_bundle *b = NULL;
    struct cm_verify_input in = {.now = PKI_NOW};
    struct cm_evidence *ev = NULL;
    char *padded = NULL;
    const char *at = NULL;
    const char *text = NULL;

    pki_defaults(&s, 3, 1);
    b = pki_make(&s);
    text = (const char *)b->col.tcb_info.ptr;
    padded = malloc(65536);
    REQUIRE(padded != NULL);
    at = strstr(text, "\"version\"");
    (void)snprintf(padded, 65536, "%.*s %s", (int)(at - text), text, at);
    b->col.tcb_info = cm_span_make(padded, strlen(padded));
    CHECK_EQ(verify_with(b, &in, 0, NULL, &ev), CM_ERR_SIGNATURE);
    cm_evidence_free(ev);
    for (size_t i = 0; i < 4; i++) { /* behind the document */
        (void)snprintf(padded, 65536, "%s%s", text, tails[i]);
        b->col.tcb_info = cm_span_make(padded, strlen(padded));
        CHECK_EQ(verify_with(b, &in, 0, NULL, &ev), i == 0 ? CM_OK : CM_ERR_FORMAT);
        cm_evidence_free(ev);
    }
    /* a third member, a signature of another length */
    (void)snprintf(padded, 65536, "{\"x\":1,%s", text + 1);
    b->col.tcb_info = cm_span_make(padded, strlen(padded));
    CHECK_EQ(verify_with(b, &in, 0, NULL, &ev), CM_ERR_FORMAT);
    cm_evidence_free(ev);
    (void)snprintf(padded, 65536, "%.*s\"}", (int)strlen(text) - 4, text);
    b->col.tcb_info = cm_span_make(padded, strlen(padded));
    CHECK_EQ(verify_with(b, &in, 0, NULL, &ev), CM_ERR_FORMAT);
    cm_evidence_free(ev);
    free(padded);
    pki_free(b);
}

TEST(H6_collateral_of_another_platform)
{
    EXPECT3(s.tcb_fmspc[5] ^= 1, CM_ERR_MISMATCH, "tcb_info.platform");
    EXPECT3(s.tcb_fmspc[0] ^= 1, CM_ERR_MISMATCH, "tcb_info.platform");
    EXPECT3(s.tcb_pceid[1] ^= 1, CM_ERR_MISMATCH, "tcb_info.platform");
    EXPECT3(s.ext.pceid[0] ^= 1, CM_ERR_MISMATCH, "tcb_info.platform");
    EXPECT(4, 2, s.body_type = 1; s.tcb_id = "SGX"; s.header[4] = 0x81, CM_ERR_FORMAT, NULL);
    EXPECT3(s.qe_id = "TD_QE", CM_ERR_MISMATCH, "qe.identity");
    EXPECT(4, 2, s.qe_id = "QE", CM_ERR_MISMATCH, "qe.identity");
    EXPECT3(s.qe_isvprodid = 2, CM_ERR_MISMATCH, "qe.identity");
    EXPECT3(s.qe_mrsigner = 0xa2, CM_ERR_MISMATCH, "qe.identity");
    EXPECT3(s.qe_report[159] ^= 1, CM_ERR_MISMATCH, "qe.identity");
    EXPECT3(s.qe_report[48] = 0x05, CM_ERR_MISMATCH, "qe.identity");
    EXPECT3(s.qe_report[63] = 0x80, CM_ERR_MISMATCH, "qe.identity");
    EXPECT3(s.qe_report[16] = 1, CM_ERR_MISMATCH, "qe.identity");
    EXPECT3(s.qe_report[16] = 1; s.qe_misc = 1, CM_OK, "");
    EXPECT3(s.qe_report[48] |= 4; s.qe_attr_mask = 0xfb, CM_OK, ""); /* masked out */
}

/* A TDX platform's TCB info for an SGX quote and the other way round. */
TEST(H6_TCB_info_of_the_other_TEE)
{
    struct cm_verify_input in = {.now = PKI_NOW};
    struct cm_evidence *ev = NULL;
    struct pki_spec s;
    struct pki_bundle *sgx = NULL;
    struct pki_bundle *tdx = NULL;
    struct cm_span keep = {NULL, 0};

    pki_defaults(&s, 3, 1);
    sgx = pki_make(&s);
    pki_defaults(&s, 4, 2);
    tdx = pki_make(&s);
    keep = sgx->col.tcb_info;
    sgx->col.tcb_info = tdx->col.tcb_info;
    tdx->col.tcb_info = keep;
    CHECK_EQ(verify_with(sgx, &in, 0, NULL, &ev), CM_ERR_MISMATCH);
    CHECK_EQ(cm_evidence_result(ev, 0, "tcb_info.platform"), CM_CHECK_FAIL);
    CHECK_EQ(cm_evidence_result(ev, 0, "tcb.status"), CM_CHECK_FAIL);
    cm_evidence_free(ev);
    in.roots = NULL;
    CHECK_EQ(verify_with(tdx, &in, 0, NULL, &ev), CM_ERR_MISMATCH);
    CHECK_EQ(cm_evidence_result(ev, 0, "tcb_info.platform"), CM_CHECK_FAIL);
    CHECK_EQ(cm_evidence_result(ev, 0, "tdx.module"), CM_CHECK_FAIL);
    cm_evidence_free(ev);
    pki_free(sgx);
    pki_free(tdx);
}

TEST(H7_collateral_never_goes_back)
{
    struct cm_floor seen[8];
    struct cm_verify_input in = {.now = PKI_NOW};
    const struct cm_floor *f = NULL;
    struct cm_evidence *ev = NULL;
    struct pki_bundle *b = NULL;
    struct pki_spec s;
    size_t count = 0;

    pki_defaults(&s, 3, 1);
    b = pki_make(&s);
    CHECK_EQ(verify_with(b, &in, 0, NULL, &ev), CM_OK);
    while ((f = cm_evidence_floor(ev, count)) != NULL && count < 8) {
        seen[count++] = *f;
    }
    CHECK_EQ(count, 6);
    cm_evidence_free(ev);
    in.floors = seen;
    in.floor_count = count;
    CHECK_EQ(verify_with(b, &in, 0, NULL, &ev), CM_OK); /* the same again */
    cm_evidence_free(ev);
    for (size_t i = 0; i < count; i++) { /* each of them one further: ours is yesterday's */
        seen[i].value++;
        CHECK_EQ(verify_with(b, &in, 0, NULL, &ev), CM_ERR_POLICY);
        CHECK_EQ(cm_evidence_result(ev, 0, "rollback"), CM_CHECK_FAIL);
        CHECK(cm_evidence_floor(ev, 0) == NULL);
        cm_evidence_free(ev);
        seen[i].value--;
    }
    pki_free(b);
    pki_defaults(&s, 3, 1);
    s.tcb_fmspc[0] = s.ext.fmspc[0] = 1; /* another platform has its own */
    s.tcb_evaluation = 3;
    b = pki_make(&s);
    in.roots = NULL; /* that of the new bundle */
    CHECK_EQ(verify_with(b, &in, 0, NULL, &ev), CM_OK);
    cm_evidence_free(ev);
    pki_free(b);
}

/* What is not verified must not raise anybody's floors. */
TEST(H7_unverified_collateral_reaches_nothing)
{
    static const uint64_t huge = 4000000000u;

    for (int i = 0; i < 5; i++) {
        struct cm_verify_input in = {.now = PKI_NOW};
        struct cm_evidence *ev = NULL;
        struct pki_bundle *b = NULL;
        struct pki_spec s;
        struct cm_trust_root other = {"sgx", "another", {1}, false};

        pki_defaults(&s, 3, 1);
        s.tcb_evaluation = (unsigned)huge;
        s.qe_evaluation = (unsigned)huge;
        s.tcb_signer = i == 0 ? PKI_OTHER : s.tcb_signer;
        s.qe_signer = i == 1 ? PKI_OTHER : s.qe_signer;
        s.pck_crl.signer = i == 2 ? PKI_OTHER : s.pck_crl.signer;
        if (i == 3) {
            in.roots = &other;
            in.root_count = 1;
        }
        in.now = i == 4 ? PKI_NOW + 60 * PKI_DAY : PKI_NOW;
        b = pki_make(&s);
        CHECK(verify_with(b, &in, ALL_STATUSES, NULL, &ev) != CM_OK);
        CHECK(cm_evidence_floor(ev, 0) == NULL);
        CHECK_EQ(cm_evidence_result(ev, 0, "rollback"), i < 3 ? CM_CHECK_FAIL : CM_CHECK_PASS);
        cm_evidence_free(ev);
        pki_free(b);
    }
}

/* Floors of one root do not bind another's collateral. */
TEST(H7_floors_belong_to_their_root)
{
    struct cm_verify_input in = {.now = PKI_NOW};
    struct cm_evidence *ev = NULL;
    struct pki_bundle *b = NULL;
    struct pki_spec s;
    char expected[64] = "";

    pki_defaults(&s, 3, 1);
    b = pki_make(&s);
    CHECK_EQ(verify_with(b, &in, 0, NULL, &ev), CM_OK);
    (void)snprintf(expected, sizeof(expected),
                   "dcap.%02X%02X%02X%02X.sgx_tcb_evaluation.C0FFEE000001", b->root.spki_sha256[0],
                   b->root.spki_sha256[1], b->root.spki_sha256[2], b->root.spki_sha256[3]);
    CHECK_STR(cm_evidence_floor(ev, 0)->name, expected);
    CHECK_EQ(cm_evidence_floor(ev, 0)->value, 17);
    cm_evidence_free(ev);
    pki_free(b);
}

TEST(H9_signatures_have_one_form)
{
    static const uint8_t order[32] = {0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00,
                                      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                      0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84,
                                      0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};
    struct cm_verify_input in = {.now = PKI_NOW};
    struct cm_evidence *ev = NULL;
    struct pki_spec s;
    struct pki_bundle *b = NULL;
    uint8_t *sig = NULL;
    uint8_t keep[64];

    pki_defaults(&s, 3, 1);
    b = pki_make(&s);
    sig = (uint8_t *)b->owned[b->owned_count - 1] + 436;
    memcpy(keep, sig, 64);
    for (size_t i = 0; i < 2; i++) { /* r, s: zero, the group's order */
        memset(sig + 32 * i, 0, 32);
        CHECK_EQ(verify_with(b, &in, 0, NULL, &ev), CM_ERR_SIGNATURE);
        cm_evidence_free(ev);
        memcpy(sig + 32 * i, order, 32);
        CHECK_EQ(verify_with(b, &in, 0, NULL, &ev), CM_ERR_SIGNATURE);
        cm_evidence_free(ev);
        memcpy(sig, keep, 64);
    }
    CHECK_EQ(verify_with(b, &in, 0, NULL, &ev), CM_OK);
    cm_evidence_free(ev);
    pki_free(b);
}

TEST(H11_report_data_binds_the_nonce)
{
    static const unsigned kinds[][2] = {{3, 1}, {4, 2}};

    for (size_t i = 0; i < 2; i++) {
        uint8_t want[65];
        struct cm_verify_input in = {.now = PKI_NOW};
        struct cm_evidence *ev = NULL;
        struct pki_spec s;
        struct pki_bundle *b = NULL;

        pki_defaults(&s, kinds[i][0], kinds[i][1]);
        b = pki_make(&s);
        memset(want, 0xda, sizeof(want));
        CHECK_EQ(verify_with(b, &in, 0, NULL, &ev), CM_OK);
        CHECK_EQ(cm_evidence_result(ev, 0, "report_data"), CM_CHECK_NOT_CHECKED);
        cm_evidence_free(ev);
        for (size_t len = 0; len <= 65; len++) {
            in.report_data = cm_span_make(want, len);
            CHECK_EQ(verify_with(b, &in, 0, NULL, &ev),
                     len == 0 || len == 65 ? CM_ERR_MISMATCH : CM_OK);
            CHECK_EQ(cm_evidence_result(ev, 0, "report_data"),
                     len == 0 || len == 65 ? CM_CHECK_FAIL : CM_CHECK_PASS);
            cm_evidence_free(ev);
        }
        /* what stands behind the report data is not report data, even where it is as expected */
        in.report_data = cm_span_make(b->quote.ptr + (i == 0 ? 368 : 568), 65);
        CHECK_EQ(verify_with(b, &in, 0, NULL, &ev), CM_ERR_MISMATCH);
        cm_evidence_free(ev);
        in.report_data = cm_span_make(want, 32);
        for (size_t k = 0; k < 32; k++) {
            want[k] ^= 1;
            CHECK_EQ(verify_with(b, &in, 0, NULL, &ev), CM_ERR_MISMATCH);
            cm_evidence_free(ev);
            want[k] ^= 1;
        }
        pki_free(b);
    }
}

TEST(H12_every_missing_input_refuses)
{
    struct pki_spec s;
    struct pki_bundle *b = NULL;

    pki_defaults(&s, 3, 1);
    b = pki_make(&s);
    for (int i = 0; i < 10; i++) {
        struct pki_bundle less = *b;
        struct cm_verify_input in = {.now = PKI_NOW};
        struct cm_evidence *ev = NULL;
        struct cm_span *parts[] = {&less.col.tcb_info,
                                   &less.col.tcb_info_chain,
                                   &less.col.qe_identity,
                                   &less.col.qe_identity_chain,
                                   &less.col.root_ca_crl,
                                   &less.col.pck_crl,
                                   &less.quote};
        enum cm_status st = CM_OK;

        in.roots = &less.root;
        in.root_count = i == 7 ? 0 : 1;
        if (i < 7) {
            *parts[i] = cm_span_make(NULL, 0);
        }
        in.now = i == 8 ? 0 : PKI_NOW;
        less.root.family = i == 9 ? "snp" : "sgx";
        st = cm_dcap_verify(less.quote, &less.col, &in, ALL_STATUSES, NULL, &ev);
        CHECK(st != CM_OK);
        CHECK(i == 6 || (ev != NULL && !cm_evidence_genuine(ev, 0)));
        cm_evidence_free(ev);
    }
    pki_free(b);
}

/* Nothing that is not verified is judged by: its checks fail, and it makes no claims. */
TEST(H12_unverified_parts_pass_no_check)
{
    for (int i = 0; i < 4; i++) {
        struct cm_verify_input in = {.now = PKI_NOW};
        struct cm_evidence *ev = NULL;
        struct pki_bundle *b = NULL;
        struct pki_spec s;

        pki_defaults(&s, 4, 2);
        s.tcb_signer = i == 0 ? PKI_OTHER : s.tcb_signer;
        s.qe_signer = i == 1 ? PKI_OTHER : s.qe_signer;
        s.pck.aki = PKI_AKI_NONE;
        s.pck.signer = i == 2 ? PKI_OTHER : s.pck.signer;
        s.pck_order = i == 3 ? "" : s.pck_order;
        b = pki_make(&s);
        if (i == 3) {
            memset(&b->col, 0, sizeof(b->col));
        }
        CHECK(verify_with(b, &in, ALL_STATUSES, NULL, &ev) != CM_OK);
        REQUIRE(ev != NULL);
        CHECK_EQ(cm_evidence_result(ev, 0, "tcb.status"), CM_CHECK_FAIL);
        CHECK(cm_evidence_find(ev, 0, CM_CLAIM_TCB_STATUS, 0) == NULL);
        CHECK_EQ(cm_evidence_result(ev, 0, "tdx.module"), i == 1 ? CM_CHECK_PASS : CM_CHECK_FAIL);
        CHECK_EQ(cm_evidence_result(ev, 0, "qe.identity"), i == 0 ? CM_CHECK_PASS : CM_CHECK_FAIL);
        CHECK_EQ(cm_evidence_result(ev, 0, "tcb_info.platform"),
                 i == 1 ? CM_CHECK_PASS : CM_CHECK_FAIL);
        CHECK_EQ(cm_evidence_result(ev, 0, "validity"), i == 3 ? CM_CHECK_FAIL : CM_CHECK_PASS);
        CHECK_EQ(cm_evidence_result(ev, 0, "pck.revocation"),
                 i >= 2 ? CM_CHECK_FAIL : CM_CHECK_PASS);
        CHECK_EQ(cm_evidence_find(ev, 0, "tdx.mrtd", 0)->authority, CM_AUTHORITY_SELF);
        CHECK_EQ((cm_evidence_find(ev, 0, "pck.fmspc", 0) != NULL), i < 2);
        cm_evidence_free(ev);
        pki_free(b);
    }
}

TEST(bad_arguments_give_a_status)
{
    struct cm_verify_input in = {.now = PKI_NOW};
    struct cm_evidence *ev = NULL;
    struct pki_spec s;
    struct pki_bundle *b = NULL;
    struct cm_dcap_collateral bad;
    struct cm_trust_root nameless = {NULL, NULL, {0}, false};

    pki_defaults(&s, 3, 1);
    b = pki_make(&s);
    bad = b->col;
    CHECK_EQ(cm_dcap_verify(b->quote, NULL, &in, 0, NULL, &ev), CM_ERR_PARAM);
    CHECK_EQ(cm_dcap_verify(b->quote, &b->col, NULL, 0, NULL, &ev), CM_ERR_PARAM);
    CHECK_EQ(cm_dcap_verify(b->quote, &b->col, &in, 0, NULL, NULL), CM_ERR_PARAM);
    CHECK_EQ(cm_dcap_verify(cm_span_make(NULL, 5), &b->col, &in, 0, NULL, &ev), CM_ERR_PARAM);
    CHECK_EQ(cm_dcap_verify(b->quote, &b->col, &in, 0, NULL, &ev), CM_ERR_POLICY); /* no roots */
    cm_evidence_free(ev);
    bad.pck_crl = cm_span_make(NULL, 5);
    CHECK_EQ(cm_dcap_verify(b->quote, &bad, &in, 0, NULL, &ev), CM_ERR_PARAM);
    in.root_count = 1;
    CHECK_EQ(cm_dcap_verify(b->quote, &b->col, &in, 0, NULL, &ev), CM_ERR_PARAM);
    in.roots = &nameless;
    CHECK_EQ(cm_dcap_verify(b->quote, &b->col, &in, 0, NULL, &ev), CM_ERR_POLICY);
    cm_evidence_free(ev);
    in.floor_count = 1;
    CHECK_EQ(cm_dcap_verify(b->quote, &b->col, &in, 0, NULL, &ev), CM_ERR_PARAM);
    CHECK(ev == NULL);
    pki_free(b);
}

TEST(G5_an_emulators_root_is_refused_unless_allowed)
{
    struct cm_verify_input in = {.now = PKI_NOW};
    struct cm_evidence *ev = NULL;
    struct pki_spec s;
    struct pki_bundle *b = NULL;

    pki_defaults(&s, 3, 1);
    b = pki_make(&s);
    b->root.emulated = true;
    CHECK_EQ(verify_with(b, &in, 0, NULL, &ev), CM_ERR_POLICY);
    CHECK_EQ(cm_evidence_result(ev, 0, "root.trusted"), CM_CHECK_FAIL);
    CHECK(cm_evidence_find(ev, 0, CM_CLAIM_EMULATED, 0) != NULL);
    cm_evidence_free(ev);
    in.flags = CM_VERIFY_ALLOW_EMULATED;
    CHECK_EQ(verify_with(b, &in, 0, NULL, &ev), CM_OK);
    CHECK(cm_evidence_find(ev, 0, CM_CLAIM_EMULATED, 0) != NULL); /* and it still says so */
    cm_evidence_free(ev);
    in.roots = cm_dcap_intel_root();
    CHECK_EQ(verify_with(b, &in, 0, NULL, &ev), CM_ERR_POLICY);
    cm_evidence_free(ev);
    pki_free(b);
}

/* One trusted root must not endorse the platforms of another, nor an emulator those of a maker. */
TEST(chains_end_in_one_root)
{
    for (int i = 0; i < 4; i++) {
        struct cm_trust_root roots[2];
        struct cm_verify_input in = {.now = PKI_NOW, .roots = roots, .root_count = 2};
        struct cm_evidence *ev = NULL;
        struct pki_spec s;
        struct pki_bundle *b = NULL;
        struct pki_bundle *foreign = NULL;

        pki_defaults(&s, 3, 1);
        b = pki_make(&s);
        s.tcb_root.key = s.tcb_root.signer = s.tcb.signer = PKI_OTHER;
        foreign = pki_make(&s);
        roots[0] = b->root;
        roots[1] = b->root;
        pki_spki(PKI_OTHER, roots[1].spki_sha256);
        roots[1].emulated = i >= 2;
        in.flags = i >= 2 ? CM_VERIFY_ALLOW_EMULATED : 0;
        if (i % 2 == 0) {
            b->col.tcb_info_chain = foreign->col.tcb_info_chain;
        } else {
            b->col.qe_identity_chain = foreign->col.qe_identity_chain;
        }
        CHECK_EQ(verify_with(b, &in, 0, NULL, &ev), CM_ERR_MISMATCH);
        CHECK_EQ(cm_evidence_result(ev, 0, "root.trusted"), CM_CHECK_FAIL);
        CHECK(i < 2 || cm_evidence_find(ev, 0, CM_CLAIM_EMULATED, 0) != NULL);
        cm_evidence_free(ev);
        in.root_count = 1;
        CHECK_EQ(verify_with(b, &in, 0, NULL, &ev), CM_ERR_POLICY);
        cm_evidence_free(ev);
        pki_free(b);
        pki_free(foreign);
    }
}

TEST_MAIN
