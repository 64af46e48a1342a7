/*
 * The real DCAP vectors of ../shared/vectors/dcap, where they exist: verdicts, TCB statuses and
 * advisories against the recorded verdicts of Intel's library, and the single-mutation negatives,
 * each refused for the right reason. Where ours is stricter the table says why.
 */
#include "harness.h"

#include <dirent.h>
#include <unistd.h>

#include <casemate/dcap.h>

#include "evidence/certs.h"
#include "os/os.h"
#include "token/json.h"

#define ROOT "../shared/vectors/dcap"

struct bundle {
    uint8_t *files[9];
    struct cm_span quote;
    struct cm_dcap_collateral col;
    struct cm_trust_root own_root;
    bool has_own_root;
    uint64_t time;
    char verdict[2048];
};

static struct cm_span file(struct bundle *b, int slot, const char *dir, const char *name)
{
    char path[512] = "";
    size_t len = 0;

    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    if (cm_file_read(path, 1 << 20, &b->files[slot], &len, NULL) != CM_OK) {
        return cm_span_make(NULL, 0);
    }
    return cm_span_make(b->files[slot], len);
}

static void bundle_free(struct bundle *b)
{
    for (int i = 0; i < 9; i++) {
        free(b->files[i]);
    }
}

static bool expectation(const char *dir, struct bundle *b)
{
    static struct cm_json_node nodes[2048];
    struct cm_json doc;
    struct cm_json_value root;
    uint8_t *text = NULL;
    char path[512] = "";
    size_t len = 0;
    bool ok = false;

    (void)snprintf(path, sizeof(path), "%s/expect.json", dir);
    if (cm_file_read(path, 1 << 20, &text, &len, NULL) == CM_OK &&
        cm_json_parse(cm_span_make(text, len), nodes, 2048, &doc, NULL) == CM_OK) {
        root = cm_json_root(&doc);
        ok = cm_json_u64(cm_json_get(root, "time"), &b->time) == CM_OK &&
             (cm_json_string(cm_json_get(root, "qvl_at_time"), b->verdict, sizeof(b->verdict),
                             NULL) == CM_OK ||
              cm_json_string(cm_json_get(root, "qvl"), b->verdict, sizeof(b->verdict), NULL) ==
                  CM_OK);
    }
    free(text);
    return ok;
}

static void own_root(struct bundle *b, struct cm_span pem)
{
    const struct cm_cert *chain[CM_CERTS_MAX_CHAIN] = {NULL};
    struct cm_certs *set = NULL;
    size_t count = 0;

    if (pem.len != 0 && cm_certs_create(&set) == CM_OK &&
        cm_certs_pem(set, pem, chain, &count) == CM_OK) {
        b->own_root.family = "sgx";
        b->own_root.label = "the vector's own root";
        memcpy(b->own_root.spki_sha256, cm_cert_spki_sha256(chain[0]), 32);
        b->has_own_root = true;
    }
    cm_certs_free(set);
}

static bool load(const char *dir, struct bundle *b)
{
    memset(b, 0, sizeof(*b));
    b->quote = file(b, 0, dir, "quote.bin");
    b->col.tcb_info = file(b, 1, dir, "tcb_info.json");
    b->col.tcb_info_chain = file(b, 2, dir, "tcb_info_issuer_chain.pem");
    b->col.qe_identity = file(b, 3, dir, "qe_identity.json");
    b->col.qe_identity_chain = file(b, 4, dir, "qe_identity_issuer_chain.pem");
    b->col.root_ca_crl = file(b, 5, dir, "root_ca_crl.der");
    b->col.pck_crl = file(b, 6, dir, "pck_crl.der");
    b->col.pck_chain = file(b, 7, dir, "pck_chain.pem");
    own_root(b, file(b, 8, dir, "trusted_root.pem"));
    return expectation(dir, b);
}

static unsigned allow = CM_VERIFY_ALLOW_DEBUG; /* one of the genuine quotes is of a debug enclave */

static enum cm_status verify(const struct bundle *b, struct cm_span quote, unsigned accept,
                             struct cm_dcap_cache *cache, struct cm_evidence **ev)
{
    struct cm_verify_input in = {.now = b->time, .root_count = 1, .flags = allow};

    in.roots = b->has_own_root ? &b->own_root : cm_dcap_intel_root();
    return cm_dcap_verify(quote, &b->col, &in, accept, cache, ev);
}

/* What Intel's library calls the quote's status, as ours. */
static const struct {
    const char *qvl;
    enum cm_dcap_tcb tcb;
} statuses[] = {
    {"STATUS_OK", CM_DCAP_UP_TO_DATE},
    {"STATUS_TCB_SW_HARDENING_NEEDED", CM_DCAP_SW_HARDENING_NEEDED},
    {"STATUS_TCB_CONFIGURATION_NEEDED", CM_DCAP_CONFIGURATION_NEEDED},
    {"STATUS_TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED",
     CM_DCAP_CONFIGURATION_AND_SW_HARDENING_NEEDED},
    {"STATUS_TCB_OUT_OF_DATE", CM_DCAP_OUT_OF_DATE},
    {"STATUS_TCB_OUT_OF_DATE_CONFIGURATION_NEEDED", CM_DCAP_OUT_OF_DATE_CONFIGURATION_NEEDED},
    {"STATUS_TCB_TD_RELAUNCH_ADVISED", CM_DCAP_TD_RELAUNCH_ADVISED},
    {"STATUS_TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED",
     CM_DCAP_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED},
    {"STATUS_TCB_REVOKED", CM_DCAP_REVOKED},
    {"STATUS_TCB_NOT_SUPPORTED", CM_DCAP_NOT_SUPPORTED},
};

static bool quote_verdict(const struct bundle *b, enum cm_dcap_tcb *tcb)
{
    const char *at = strstr(b->verdict, " quote=");
    size_t len = at == NULL ? 0 : strcspn(at + 7, " ");

    for (size_t i = 0; at != NULL && i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        if (strlen(statuses[i].qvl) == len && strncmp(at + 7, statuses[i].qvl, len) == 0) {
            *tcb = statuses[i].tcb;
            return true;
        }
    }
    return false;
}

static void explain(const char *dir, const struct cm_evidence *ev)
{
    const struct cm_check *c = NULL;

    for (size_t i = 0; ev != NULL && (c = cm_evidence_check(ev, 0, i)) != NULL; i++) {
        if (c->result == CM_CHECK_FAIL) {
            (void)printf("    %s: %s: %s: %s\n", dir, c->name, cm_status_str(c->status), c->detail);
        }
    }
}

/* every advisory of the verdict is a claim, and as many */
static void check_advisories(const struct bundle *b, const struct cm_evidence *ev)
{
    const char *at = strstr(b->verdict, " adv=");
    size_t want = 0;
    size_t have = 0;

    for (at = at == NULL ? "" : at + 5; *at != '\0'; at += strcspn(at, ",")) {
        char id[64] = "";
        bool found = false;
        const struct cm_claim *c = NULL;

        at += *at == ',';
        (void)snprintf(id, sizeof(id), "%.*s", (int)strcspn(at, ","), at);
        for (size_t n = 0; (c = cm_evidence_find(ev, 0, CM_CLAIM_ADVISORY, n)) != NULL; n++) {
            found = found || strcmp(c->text, id) == 0;
        }
        if (!found) {
            TEST_FAIL("advisory %s is missing", id);
        }
        want++;
    }
    while (cm_evidence_find(ev, 0, CM_CLAIM_ADVISORY, have) != NULL) {
        have++;
    }
    CHECK_EQ(have, want);
}

static void positive(const char *dir)
{
    const unsigned all = 0xffu;
    struct cm_evidence *ev = NULL;
    const struct cm_claim *status = NULL;
    enum cm_dcap_tcb tcb = CM_DCAP_NOT_SUPPORTED;
    enum cm_status st = CM_OK;
    enum cm_status want = CM_OK;
    struct bundle b;

    REQUIRE(load(dir, &b));
    st = verify(&b, b.quote, all, NULL, &ev);
    if (strstr(b.verdict, "TDX_MODULE_MISMATCH") != NULL) {
        CHECK_EQ(cm_evidence_result(ev, 0, "tdx.module"), CM_CHECK_FAIL);
        CHECK_EQ(st, CM_ERR_MISMATCH);
    } else if (strstr(dir, "intel-qvs-sgx-v4-ct5-1f0172") != NULL) {
        /* its "PCK chain" of type 5 is a printed dump and no PEM: what is given beside it cannot be
         * held against it, so ours refuses where Intel's library takes the caller's word */
        CHECK_EQ(cm_evidence_result(ev, 0, "pck.source"), CM_CHECK_FAIL);
        CHECK_EQ(st, CM_ERR_MISMATCH);
    } else if (quote_verdict(&b, &tcb)) {
        want = tcb == CM_DCAP_REVOKED         ? CM_ERR_REVOKED
               : tcb == CM_DCAP_NOT_SUPPORTED ? CM_ERR_MISMATCH
                                              : CM_OK;
        status = ev == NULL ? NULL : cm_evidence_find(ev, 0, CM_CLAIM_TCB_STATUS, 0);
        if (st != want || status == NULL || strcmp(status->text, cm_dcap_tcb_str(tcb)) != 0) {
            TEST_FAIL("%s: %d, %s, wanted %d, %s", dir, (int)st, status ? status->text : "-",
                      (int)want, cm_dcap_tcb_str(tcb));
            explain(dir, ev);
        } else {
            check_advisories(&b, ev);
        }
    } else {
        TEST_FAIL("%s: unknown verdict %s", dir, b.verdict);
    }
    cm_evidence_free(ev);
    if (want == CM_OK && tcb != CM_DCAP_UP_TO_DATE && tcb != CM_DCAP_NOT_SUPPORTED) {
        ev = NULL;
        CHECK_EQ(verify(&b, b.quote, 0, NULL, &ev), CM_ERR_POLICY); /* only UpToDate by default */
        cm_evidence_free(ev);
    }
    bundle_free(&b);
}

static int each(const char *top, bool nested, void (*run)(const char *))
{
    DIR *d = opendir(top);
    struct dirent *e = NULL;
    int count = 0;

    while (d != NULL && (e = readdir(d)) != NULL) {
        char path[512] = "";
        char expect[600] = "";

        if (e->d_name[0] == '.' || strcmp(e->d_name, "negative") == 0) {
            continue;
        }
        (void)snprintf(path, sizeof(path), "%s/%s", top, e->d_name);
        (void)snprintf(expect, sizeof(expect), "%s/expect.json", path);
        if (access(expect, R_OK) == 0) {
            run(path);
            count++;
        } else if (nested) {
            count += each(path, false, run);
        }
    }
    if (d != NULL) {
        (void)closedir(d);
    }
    return count;
}

TEST(genuine_bundles_have_the_right_verdict)
{
    int count = 0;

    if (access(ROOT, R_OK) != 0) {
        SKIP("../shared/vectors/dcap is not here");
    }
    count = each(ROOT, true, positive);
    CHECK(count >= 17);
}

/* name, the status that must come, the check that must fail (NULL: the quote does not parse) */
static const struct negative {
    const char *suffix;
    enum cm_status want;
    const char *check;
} negatives[] = {
    {"hdr-version", CM_ERR_UNSUPPORTED, NULL},
    {"hdr-version6", CM_ERR_UNSUPPORTED, NULL},
    {"hdr-attkeytype3", CM_ERR_UNSUPPORTED, NULL},
    {"hdr-vendor", CM_ERR_UNSUPPORTED, NULL},
    {"hdr-userdata", CM_ERR_SIGNATURE, "quote.signature"},
    {"body-measure", CM_ERR_SIGNATURE, "quote.signature"},
    {"body-reportdata", CM_ERR_SIGNATURE, "quote.signature"},
    {"body-mrsignerseam", CM_ERR_SIGNATURE, "tdx.module"},
    {"body-seamattr", CM_ERR_SIGNATURE, "tdx.module"},
    {"body-teetcbsvn", CM_ERR_SIGNATURE, "quote.signature"},
    {"sig-quote", CM_ERR_SIGNATURE, "quote.signature"},
    {"sig-quote-zero", CM_ERR_SIGNATURE, "quote.signature"},
    {"attkey", CM_ERR_MISMATCH, "qe.binding"},
    {"attkey-zero", CM_ERR_MISMATCH, "qe.binding"},
    {"qereport", CM_ERR_SIGNATURE, "qe.report_signature"},
    {"qereport-isvsvn", CM_ERR_SIGNATURE, "qe.report_signature"},
    {"qereport-sig", CM_ERR_SIGNATURE, "qe.report_signature"},
    {"qeauth", CM_ERR_MISMATCH, "qe.binding"},
    {"pck-leaf-sig", CM_ERR_SIGNATURE, "pck.chain"},
    {"siglen-short", CM_ERR_FORMAT, NULL},
    {"siglen-huge", CM_ERR_FORMAT, NULL},
    {"authlen-huge", CM_ERR_FORMAT, NULL},
    {"certlen-huge", CM_ERR_FORMAT, NULL},
    /* the type is not signed; QVL takes the chain given beside: so do we, once it is given */
    {"cert-type1", CM_OK, ""},
    {"cert-type7", CM_ERR_UNSUPPORTED, NULL},
    {"outer-type5", CM_ERR_UNSUPPORTED, NULL},
    {"trunc-500", CM_ERR_FORMAT, NULL},
    {"trunc-1", CM_ERR_FORMAT, NULL},
    {"empty", CM_ERR_FORMAT, NULL},
    {"trailing", CM_ERR_FORMAT, NULL}, /* stricter than QVL: a quote is exactly its bytes */
    {"tcb-sig", CM_ERR_SIGNATURE, "tcb_info.signature"},
    {"tcb-body", CM_ERR_SIGNATURE, "tcb_info.signature"},
    {"tcb-whitespace", CM_ERR_SIGNATURE, "tcb_info.signature"}, /* stricter: exact bytes (H5) */
    {"qeid-sig", CM_ERR_SIGNATURE, "qe_identity.signature"},
    {"qeid-body", CM_ERR_SIGNATURE, "qe_identity.signature"},
    {"tcb-other-platform", CM_ERR_MISMATCH, "tcb_info.platform"},
    {"qeid-other-tee", CM_ERR_MISMATCH, "qe.identity"},
    {"crl-swap", CM_ERR_MISMATCH, "pck_crl"},
    {"crl-sig", CM_ERR_SIGNATURE, "pck_crl"},
    {"time-late", CM_ERR_EXPIRED, "validity"},
    {"time-early", CM_ERR_EXPIRED, "validity"},
};

static void negative(const char *dir)
{
    const char *name = strrchr(dir, '/') + 6; /* behind "sgx3-" or "tdx4-" */
    struct cm_evidence *ev = NULL;
    enum cm_status st = CM_OK;
    struct bundle b;

    REQUIRE(load(dir, &b));
    st = verify(&b, b.quote, 0xff, NULL, &ev);
    for (size_t i = 0; i < sizeof(negatives) / sizeof(negatives[0]); i++) {
        const struct negative *n = &negatives[i];

        if (strcmp(n->suffix, name) != 0) {
            continue;
        }
        if (st != n->want || (ev == NULL) != (n->check == NULL) ||
            (n->check != NULL && n->check[0] != '\0' &&
             cm_evidence_result(ev, 0, n->check) != CM_CHECK_FAIL)) {
            TEST_FAIL("%s: %s, wanted %s (%s)", dir, cm_status_str(st), cm_status_str(n->want),
                      n->check ? n->check : "no parse");
            explain(dir, ev);
        }
        cm_evidence_free(ev);
        bundle_free(&b);
        return;
    }
    if (strcmp(name, "hdr-teetype") == 0) {
        CHECK(st != CM_OK); /* v3: unsupported; v4: another body, so nothing adds up */
    } else {
        TEST_FAIL("%s: no expectation", dir);
    }
    cm_evidence_free(ev);
    bundle_free(&b);
}

TEST(negatives_are_refused_for_the_right_reason)
{
    if (access(ROOT "/negative", R_OK) != 0) {
        SKIP("../shared/vectors/dcap is not here");
    }
    CHECK(each(ROOT "/negative", false, negative) >= 80);
}

TEST(H1_real_debug_quote_is_refused_by_default)
{
    struct cm_evidence *ev = NULL;
    struct bundle b;

    if (access(ROOT, R_OK) != 0) {
        SKIP("../shared/vectors/dcap is not here");
    }
    REQUIRE(load(ROOT "/automata-sgx-v3-00A067110000-743a7a/bundle-20250619-e17-q17-39a7", &b));
    CHECK_EQ(verify(&b, b.quote, 0xff, NULL, &ev), CM_OK);
    cm_evidence_free(ev);
    allow = 0;
    CHECK_EQ(verify(&b, b.quote, 0xff, NULL, &ev), CM_ERR_POLICY);
    CHECK_EQ(cm_evidence_result(ev, 0, "debug"), CM_CHECK_FAIL);
    CHECK(!cm_evidence_genuine(ev, 0));
    cm_evidence_free(ev);
    allow = CM_VERIFY_ALLOW_DEBUG;
    bundle_free(&b);
}

TEST(every_truncation_of_a_real_quote_is_refused)
{
    struct bundle b;

    if (access(ROOT, R_OK) != 0) {
        SKIP("../shared/vectors/dcap is not here");
    }
    REQUIRE(load(ROOT "/oe-tdx-v5-90C06F000000-d21a11/bundle-20260218-e18-q18-1189", &b));
    for (size_t n = 0; n < b.quote.len; n++) {
        uint8_t *exact = malloc(n == 0 ? 1 : n);
        struct cm_evidence *ev = NULL;

        REQUIRE(exact != NULL);
        memcpy(exact, b.quote.ptr, n);
        CHECK(verify(&b, cm_span_make(exact, n), 0xff, NULL, &ev) != CM_OK);
        cm_evidence_free(ev);
        free(exact);
    }
    bundle_free(&b);
}

/* Each bit of what is signed by the attestation key, by the PCK, or hashed; one in 7 for speed. */
TEST(bit_flips_in_signed_regions_are_refused)
{
    struct cm_dcap_cache *cache = NULL;
    struct bundle b;

    if (access(ROOT, R_OK) != 0) {
        SKIP("../shared/vectors/dcap is not here");
    }
    REQUIRE(load(ROOT "/phala-tdx-v4-20A06F000000-9069d4/bundle-20250902-e17-q17-5f4c", &b));
    REQUIRE(cm_dcap_cache_create(2, &cache) == CM_OK);
    for (size_t bit = 0; bit < 8 * (size_t)(48 + 584 + 4 + 128 + 6 + 384 + 64); bit += 7) {
        uint8_t *q = b.files[0];
        struct cm_evidence *ev = NULL;

        q[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        CHECK(verify(&b, b.quote, 0xff, cache, &ev) != CM_OK);
        q[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        cm_evidence_free(ev);
    }
    cm_dcap_cache_free(cache);
    bundle_free(&b);
}

TEST(cache_gives_the_same_answers)
{
    struct cm_dcap_cache *cache = NULL;
    struct cm_evidence *ev = NULL;
    struct bundle b;

    if (access(ROOT, R_OK) != 0) {
        SKIP("../shared/vectors/dcap is not here");
    }
    REQUIRE(load(ROOT "/phala-tdx-v4-20A06F000000-9069d4/bundle-20250902-e17-q17-5f4c", &b));
    REQUIRE(cm_dcap_cache_create(1, &cache) == CM_OK);
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(verify(&b, b.quote, 0, cache, &ev), CM_OK);
        CHECK(cm_evidence_genuine(ev, 0));
        cm_evidence_free(ev);
    }
    b.time += 400u * 86400u; /* kept signatures do not keep what has expired */
    CHECK_EQ(verify(&b, b.quote, 0, cache, &ev), CM_ERR_EXPIRED);
    cm_evidence_free(ev);
    b.has_own_root = true; /* nor a root that this caller does not trust */
    b.own_root.family = "sgx";
    CHECK_EQ(verify(&b, b.quote, 0, cache, &ev), CM_ERR_POLICY);
    cm_evidence_free(ev);
    cm_dcap_cache_free(cache);
    bundle_free(&b);
}

TEST_MAIN
