/* A zoo of certificate chains and revocation lists, each with one defect (H4, H8). */
#include "expect.h"

/* what each of the three chains makes of a broken root */
#define PCK "pck.chain"
#define TCB "tcb_info.chain"

TEST(H8_wrong_issuers)
{
    EXPECT3(s.pck.issuer = "Somebody's CA", CM_ERR_MISMATCH, PCK);
    EXPECT3(s.ca.issuer = "Somebody's SGX Root CA", CM_ERR_MISMATCH, PCK);
    EXPECT3(s.tcb.issuer = "Somebody's SGX Root CA", CM_ERR_MISMATCH, TCB);
    EXPECT3(s.root.issuer = "Somebody's SGX Root CA", CM_ERR_FORMAT, PCK); /* no root left */
    EXPECT3(s.tcb_root.issuer = "Somebody's SGX Root CA", CM_ERR_FORMAT, TCB);
}

/* The name is right and the key is not: whatever the identifiers say, the signature decides (H4). */
TEST(H4_signature_is_checked_on_every_way)
{
    static const enum pki_aki forms[] = {PKI_AKI_RIGHT, PKI_AKI_NONE};

    for (size_t i = 0; i < 2; i++) {
        /* the identifier of the key that did sign is not the CA's */
        enum cm_status want = forms[i] == PKI_AKI_RIGHT ? CM_ERR_MISMATCH : CM_ERR_SIGNATURE;

        EXPECT3(s.pck.signer = PKI_OTHER; s.pck.aki = forms[i], want, PCK);
        EXPECT3(s.ca.signer = PKI_OTHER; s.ca.aki = forms[i], want, PCK);
        EXPECT3(s.tcb.signer = PKI_OTHER; s.tcb.aki = forms[i], want, TCB);
        EXPECT3(s.root.signer = PKI_OTHER; s.root.aki = forms[i], want, PCK);
        EXPECT3(s.tcb_root.signer = PKI_OTHER; s.tcb_root.serial = 9;
                s.tcb_root.aki = forms[i], want, TCB);
        EXPECT3(s.root_crl.signer = PKI_OTHER; s.root_crl.aki = forms[i], want, "root_crl");
        EXPECT3(s.pck_crl.signer = PKI_OTHER; s.pck_crl.aki = forms[i], want, "pck_crl");
    }
    EXPECT3(s.pck.aki = PKI_AKI_WRONG, CM_ERR_MISMATCH, PCK);
    EXPECT3(s.ca.aki = PKI_AKI_WRONG, CM_ERR_MISMATCH, PCK);
    EXPECT3(s.pck.aki = PKI_AKI_EMPTY, CM_ERR_FORMAT, PCK);
    EXPECT3(s.pck.aki = PKI_AKI_EMPTY; s.pck.signer = PKI_OTHER, CM_ERR_FORMAT, PCK);
    EXPECT3(s.pck.aki = PKI_AKI_NONE, CM_OK, "");
    EXPECT3(s.pck_crl.aki = PKI_AKI_WRONG, CM_ERR_MISMATCH, "pck_crl");
    EXPECT3(s.pck_crl.aki = PKI_AKI_EMPTY, CM_ERR_FORMAT, "pck_crl");
    EXPECT3(s.pck_crl.aki = PKI_AKI_NONE, CM_OK, "");
    EXPECT3(s.tcb_signer = PKI_OTHER, CM_ERR_SIGNATURE, "tcb_info.signature");
    EXPECT3(s.qe_signer = PKI_OTHER, CM_ERR_SIGNATURE, "qe_identity.signature");
    EXPECT3(s.qe_report_signer = PKI_OTHER, CM_ERR_SIGNATURE, "qe.report_signature");
    EXPECT3(s.quote_signer = PKI_OTHER, CM_ERR_SIGNATURE, "quote.signature");
}

TEST(H8_constraints_and_usage)
{
    EXPECT3(s.pck.ca = true, CM_ERR_MISMATCH, PCK);
    EXPECT3(s.pck.no_constraints = true, CM_ERR_MISMATCH, PCK);
    EXPECT3(s.pck.usage = "critical,nonRepudiation", CM_ERR_MISMATCH, PCK);
    EXPECT3(s.pck.usage = NULL, CM_ERR_MISMATCH, PCK);
    EXPECT3(s.ca.ca = false; s.ca.pathlen = -1, CM_ERR_MISMATCH, PCK);
    EXPECT3(s.ca.no_constraints = true, CM_ERR_MISMATCH, PCK);
    EXPECT3(s.ca.usage = "critical,keyCertSign", CM_ERR_MISMATCH, PCK);
    EXPECT3(s.ca.usage = "critical,cRLSign", CM_ERR_MISMATCH, PCK);
    EXPECT3(s.ca.usage = "critical,digitalSignature", CM_ERR_MISMATCH, PCK);
    EXPECT3(s.ca.usage = NULL, CM_ERR_MISMATCH, PCK);
    EXPECT3(s.ca.usage = "keyCertSign,cRLSign", CM_OK, ""); /* critical or not */
    EXPECT3(s.root.ca = false; s.root.pathlen = -1, CM_ERR_MISMATCH, PCK);
    EXPECT3(s.root.usage = "critical,keyCertSign", CM_ERR_MISMATCH, PCK);
    EXPECT3(s.tcb_root.ca = false; s.tcb_root.pathlen = -1, CM_ERR_MISMATCH, TCB);
    EXPECT3(s.tcb.ca = true, CM_ERR_MISMATCH, TCB);
    EXPECT3(s.tcb.usage = "critical,keyCertSign", CM_ERR_MISMATCH, TCB);
}

TEST(H8_path_length)
{
    EXPECT3(s.root.pathlen = 0; s.tcb_root = s.root, CM_ERR_MISMATCH, PCK);
    EXPECT3(s.root.pathlen = -1; s.tcb_root = s.root, CM_OK, "");
    EXPECT3(s.ca.pathlen = -1, CM_OK, "");
    EXPECT3(s.ca.pathlen = 5, CM_OK, "");
    EXPECT3(s.pck.pathlen = 0, CM_ERR_FORMAT, PCK); /* only a CA has one */
}

TEST(H8_unknown_critical_extensions)
{
    EXPECT3(s.pck.unknown = PKI_CRITICAL, CM_ERR_MISMATCH, PCK);
    EXPECT3(s.ca.unknown = PKI_CRITICAL, CM_ERR_MISMATCH, PCK);
    EXPECT3(s.ca.unknown = "2.5.29.36", CM_ERR_MISMATCH, PCK); /* policy constraints */
    EXPECT3(s.root.unknown = PKI_CRITICAL, CM_ERR_MISMATCH, PCK);
    EXPECT3(s.tcb.unknown = PKI_CRITICAL, CM_ERR_MISMATCH, TCB);
}

TEST(H8_curves_and_algorithms)
{
    EXPECT3(s.pck.key = PKI_P384; s.pck.serial = 1, CM_ERR_UNSUPPORTED, PCK);
    EXPECT3(s.pck.key = PKI_RSA; s.pck.serial = 1, CM_ERR_UNSUPPORTED, PCK);
    /* a signature by a key on P-384 does not even have the size of one on P-256 */
    EXPECT3(s.ca.key = s.pck.signer = s.pck_crl.signer = PKI_P384, CM_ERR_FORMAT, PCK);
    EXPECT3(s.ca.key = s.pck.signer = s.pck_crl.signer = PKI_P384;
            s.pck_order = "crl", CM_ERR_UNSUPPORTED, PCK);
    EXPECT3(s.ca.key = s.pck.signer = s.pck_crl.signer = PKI_RSA, CM_ERR_UNSUPPORTED, PCK);
    EXPECT3(s.root.key = s.root.signer = s.ca.signer = s.root_crl.signer = PKI_P384, CM_ERR_FORMAT,
            PCK);
    EXPECT3(s.tcb.key = PKI_P384, CM_ERR_UNSUPPORTED, TCB);
    EXPECT3(s.pck.sha384 = true, CM_ERR_UNSUPPORTED, PCK);
    EXPECT3(s.pck_crl.signer = PKI_RSA, CM_ERR_UNSUPPORTED, "pck_crl");
}

TEST(H8_exactly_the_certificates)
{
    static const char *const bad[] = {"",     "l",   "lc",   "lr",     "cr",  "lcrr", "llcr",
                                      "lccr", "lco", "lcro", "lcrlcr", "ocr", "lor"};
    static const char *const bad_documents[] = {"",    "s",   "r",  "ss", "rr",
                                                "ssr", "srr", "cr", "scr"};
    static const char *const orders[] = {"lcr", "lrc", "clr", "crl", "rlc", "rcl"};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        EXPECT3(s.pck_order = bad[i], strcmp(bad[i], "lor") == 0 ? CM_ERR_MISMATCH : CM_ERR_FORMAT,
                PCK);
    }
    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) { /* seen in the wild */
        EXPECT3(s.pck_order = orders[i], CM_OK, "");
    }
    for (size_t i = 0; i < sizeof(bad_documents) / sizeof(bad_documents[0]); i++) {
        enum cm_status want = strcmp(bad_documents[i], "cr") == 0 ? CM_ERR_MISMATCH : CM_ERR_FORMAT;

        EXPECT3(s.tcb_order = bad_documents[i], want, TCB);
        EXPECT3(s.qe_order = bad_documents[i], want, "qe_identity.chain");
    }
    EXPECT3(s.tcb_order = "rs"; s.qe_order = "rs", CM_OK, "");
    EXPECT3(s.trailing_nul = true, CM_OK, "");
}

/* The signer is known from the TCB info's chain; under another root it is verified again. */
TEST(H4_a_known_signer_under_another_root)
{
    struct cm_verify_input in = {.now = PKI_NOW};
    struct cm_evidence *ev = NULL;
    struct pki_spec s;
    struct pki_bundle *b = NULL;
    struct pki_bundle *other = NULL;
    char pem[8192] = "";
    int signer = 0;

    pki_defaults(&s, 3, 1);
    b = pki_make(&s);
    s.root.key = s.root.signer = PKI_OTHER;
    other = pki_make(&s);
    signer = (int)(strstr((const char *)b->col.qe_identity_chain.ptr + 1, "-----BEGIN") -
                   (const char *)b->col.qe_identity_chain.ptr);
    (void)snprintf(pem, sizeof(pem), "%.*s%s", signer, (const char *)b->col.qe_identity_chain.ptr,
                   (const char *)other->root_pem.ptr);
    b->col.qe_identity_chain = cm_span_make(pem, strlen(pem));
    CHECK_EQ(verify_with(b, &in, 0, NULL, &ev), CM_ERR_MISMATCH);
    CHECK_EQ(cm_evidence_result(ev, 0, "tcb_info.chain"), CM_CHECK_PASS);
    CHECK_EQ(cm_evidence_result(ev, 0, "qe_identity.chain"), CM_CHECK_FAIL);
    cm_evidence_free(ev);
    pki_free(b);
    pki_free(other);
}

TEST(H8_names_of_the_places)
{
    EXPECT3(s.root.cn = s.root.issuer = s.ca.issuer = s.root_crl.issuer = "Casemate Root",
            CM_ERR_MISMATCH, PCK);
    EXPECT3(s.ca.cn = s.pck.issuer = s.pck_crl.issuer = "Casemate Test PCK", CM_ERR_MISMATCH, PCK);
    EXPECT3(s.pck.cn = "Casemate Test", CM_ERR_MISMATCH, PCK);
    EXPECT3(s.tcb.cn = "Casemate Test SGX Signing", CM_ERR_MISMATCH, TCB);
}

TEST(H8_the_SGX_extension_is_there_once)
{
    EXPECT3(s.pck.sgx = false, CM_ERR_FORMAT, PCK);
    EXPECT3(s.pck.sgx_twice = true, CM_ERR_FORMAT, PCK);
    EXPECT3(s.ca.sgx = true, CM_ERR_FORMAT, PCK);
    EXPECT3(s.ext.raw = (const uint8_t *)"\x30\x00"; s.ext.raw_len = 2, CM_ERR_FORMAT, PCK);
    EXPECT3(s.ext.platform = false, CM_OK, "");
}

TEST(H8_version_1_has_no_extensions)
{
    EXPECT3(s.pck.version1 = true, CM_ERR_FORMAT, PCK);
    EXPECT3(s.ca.version1 = true, CM_ERR_FORMAT, PCK);
}

TEST(validity_of_every_part)
{
    const uint64_t early = PKI_NOW - 1;
    const uint64_t late = PKI_NOW + 1;
    const uint64_t past = PKI_NOW - 10 * PKI_DAY;

    EXPECT3(s.pck.not_after = early, CM_ERR_EXPIRED, "validity");
    EXPECT3(s.pck.not_after = PKI_NOW, CM_OK, "");
    EXPECT3(s.pck.not_before = late, CM_ERR_EXPIRED, "validity");
    EXPECT3(s.pck.not_before = PKI_NOW, CM_OK, "");
    EXPECT3(s.ca.not_after = early, CM_ERR_EXPIRED, "validity");
    EXPECT3(s.ca.not_before = late, CM_ERR_EXPIRED, "validity");
    EXPECT3(s.root.not_after = early, CM_ERR_EXPIRED, "validity");
    EXPECT3(s.root.not_before = late, CM_ERR_EXPIRED, "validity");
    EXPECT3(s.tcb_root.not_after = early, CM_ERR_EXPIRED, "validity");
    EXPECT3(s.tcb_root.not_before = late, CM_ERR_EXPIRED, "validity");
    EXPECT3(s.tcb.not_after = early, CM_ERR_EXPIRED, "validity");
    EXPECT3(s.tcb.not_before = late, CM_ERR_EXPIRED, "validity");
    EXPECT3(s.root_crl.next_update = early;
            s.root_crl.this_update = past, CM_ERR_EXPIRED, "validity");
    EXPECT3(s.root_crl.this_update = late, CM_ERR_EXPIRED, "validity");
    EXPECT3(s.pck_crl.next_update = early;
            s.pck_crl.this_update = past, CM_ERR_EXPIRED, "validity");
    EXPECT3(s.pck_crl.this_update = late, CM_ERR_EXPIRED, "validity");
    EXPECT3(s.tcb_next = early, CM_ERR_EXPIRED, "validity");
    EXPECT3(s.tcb_issued = late, CM_ERR_EXPIRED, "validity");
    EXPECT3(s.qe_next = early, CM_ERR_EXPIRED, "validity");
    EXPECT3(s.qe_issued = late, CM_ERR_EXPIRED, "validity");
    EXPECT3(s.root.not_after = s.tcb_root.not_after = UINT64_C(2524607999), CM_OK, ""); /* 2049 */
    EXPECT3(s.root.not_after = s.tcb_root.not_after = UINT64_C(3000000000), CM_OK, ""); /* 2065 */
    EXPECT3(s.tcb_next = s.tcb_issued, CM_ERR_FORMAT, "tcb_info.signature");
    EXPECT3(s.qe_next = s.qe_issued - 1, CM_ERR_FORMAT, "qe_identity.signature");
}

TEST(revoked_certificates)
{
    EXPECT3(s.pck_crl.revoked = s.pck.serial, CM_ERR_REVOKED, "pck.revocation");
    EXPECT3(s.root_crl.revoked = s.ca.serial, CM_ERR_REVOKED, "pck.revocation");
    EXPECT3(s.root_crl.revoked = s.tcb.serial, CM_ERR_REVOKED, TCB);
    EXPECT3(s.root_crl.revoked = s.tcb.serial, CM_ERR_REVOKED, "qe_identity.chain");
    EXPECT3(s.pck_crl.revoked = s.pck.serial + 1, CM_OK, "");
    EXPECT3(s.pck_crl.revoked = s.pck.serial;
            s.pck_crl.revoked_removed = true, CM_ERR_REVOKED,
            "pck.revocation"); /* only delta lists remove, and those are refused */
    EXPECT3(s.root_crl.revoked = s.pck.serial, CM_OK, ""); /* another CA's serial number */
}

TEST(revocation_lists_zoo)
{
    struct pki_crl swap;

    EXPECT3(s.pck_crl.issuer = "Casemate Test SGX PCK Processor CA", CM_ERR_MISMATCH, "pck_crl");
    EXPECT3(s.root_crl.issuer = s.ca.cn, CM_ERR_MISMATCH, "root_crl");
    EXPECT3(swap = s.pck_crl; s.pck_crl = s.root_crl;
            s.root_crl = swap, CM_ERR_MISMATCH, "pck_crl");
    EXPECT3(s.pck_crl.number = -1, CM_ERR_FORMAT, "pck_crl");
    EXPECT3(s.root_crl.number = -1; s.root_crl.aki = PKI_AKI_NONE, CM_ERR_FORMAT, "root_crl");
    EXPECT3(s.pck_crl.next_update = 0, CM_ERR_FORMAT, "pck_crl");
    EXPECT3(s.pck_crl.delta = true, CM_ERR_FORMAT, "pck_crl");
    EXPECT3(s.pck_crl.revoked = 5; s.pck_crl.entry_critical = true, CM_ERR_FORMAT, "pck_crl");
    EXPECT3(s.pck_crl.number = 0, CM_OK, "");
    for (int form = 0; form < 3; form++) {
        EXPECT3(s.pck_crl.form = form; s.root_crl.form = form, CM_OK, "");
        EXPECT3(s.pck_crl.form = form;
                s.pck_crl.revoked = s.pck.serial, CM_ERR_REVOKED, "pck.revocation");
    }
}

TEST_MAIN
