/*
 * Collateral through stand-ins of libdcap_quoteprov: every version's form of revocation lists, and
 * libraries that lie. What comes out is verified with the quote, as a user would.
 */
#include <dlfcn.h>

#include "quoting_kit.h"

/* How many structures the stand-in has given out and not got back. */
static int alive(void)
{
    void *handle = dlopen("libdcap_quoteprov.so.1", RTLD_NOW | RTLD_NOLOAD);
    int (*count)(void) = NULL;
    void *symbol = NULL;

    if (handle == NULL) {
        return -1;
    }
    symbol = dlsym(handle, "fake_provider_alive");
    memcpy(&count, &symbol, sizeof(symbol));
    (void)dlclose(handle);
    return count != NULL ? count() : -1;
}

static const struct cm_quoting *maker(void)
{
    const struct cm_quoting *q = NULL;

    (void)unsetenv("SGX_AESM_ADDR");
    return cm_quoting_choose(false, &q, NULL) == CM_OK ? q : NULL;
}

static void verifies(const struct cm_quoting *q, const struct pki_bundle *b, const char *mode)
{
    struct cm_verify_input in = {.now = PKI_NOW, .roots = &b->root, .root_count = 1};
    struct cm_quoting_collateral *c = NULL;
    struct cm_dcap_collateral view;
    struct cm_evidence *ev = NULL;
    struct cm_why why = {""};

    (void)setenv("FAKE_MODE", mode, 1);
    if (cm_quoting_collateral(q, b->quote, cm_span_make(NULL, 0), &c, &why) != CM_OK) {
        TEST_FAIL("%s: %s", mode, why.text);
        return;
    }
    view = cm_quoting_collateral_view(c);
    if (cm_dcap_verify(b->quote, &view, &in, 0, NULL, &ev) != CM_OK) {
        TEST_FAIL("%s: the collateral does not verify the quote", mode);
    }
    CHECK_EQ(alive(), 0);
    cm_evidence_free(ev);
    cm_quoting_collateral_free(c);
}

static void refuses(const struct cm_quoting *q, const struct pki_bundle *b, const char *mode,
                    enum cm_status want, const char *says)
{
    struct cm_quoting_collateral *c = NULL;
    struct cm_why why = {""};
    enum cm_status st = CM_OK;

    (void)setenv("FAKE_MODE", mode, 1);
    st = cm_quoting_collateral(q, b->quote, cm_span_make(NULL, 0), &c, &why);
    if (st != want || c != NULL || strstr(why.text, says) == NULL) {
        TEST_FAIL("%s: %s (%s), wanted %s (%s)", mode, cm_status_str(st), why.text,
                  cm_status_str(want), says);
    }
    if (alive() > 0) {
        TEST_FAIL("%s: the library's structure was not given back", mode);
    }
}

TEST(all_forms)
{
    struct pki_spec s;
    struct pki_bundle *b = NULL;
    const struct cm_quoting *q = NULL;

    pki_defaults(&s, 3, 1);
    b = kit_platform(&s);
    q = maker();
    REQUIRE(q != NULL);
    verifies(q, b, "good"); /* version 4, DER */
    verifies(q, b, "nul");
    verifies(q, b, "nul-der");
    verifies(q, b, "der31");
    verifies(q, b, "hex"); /* version 3.0 */
    pki_free(b);
}

/* The other CA's list is another list: the certificate says which. */
TEST(all_both_kinds_of_ca)
{
    for (int platform = 0; platform < 2; platform++) {
        struct pki_spec s;
        struct pki_bundle *b = NULL;

        pki_defaults(&s, 3, 1);
        s.ext.platform = platform == 1;
        b = kit_platform(&s);
        REQUIRE(maker() != NULL);
        verifies(maker(), b, "good");
        (void)setenv("FAKE_CA", platform == 1 ? "processor" : "platform", 1);
        refuses(maker(), b, "good", CM_ERR_PLATFORM, "0xe002");
        pki_free(b);
    }
}

TEST(all_tdx)
{
    struct pki_spec s;
    struct pki_bundle *b = NULL;

    pki_defaults(&s, 4, 2);
    b = kit_platform(&s);
    REQUIRE(maker() != NULL);
    verifies(maker(), b, "tdx");
    pki_free(b);
}

TEST(all_lies)
{
    struct pki_spec s;
    struct pki_bundle *b = NULL;
    const struct cm_quoting *q = NULL;

    pki_defaults(&s, 3, 1);
    b = kit_platform(&s);
    q = maker();
    REQUIRE(q != NULL);
    refuses(q, b, "null", CM_ERR_FORMAT, "gave nothing");
    refuses(q, b, "version", CM_ERR_UNSUPPORTED, "version 2.0");
    refuses(q, b, "part-null", CM_ERR_FORMAT, "tcb_info of");
    refuses(q, b, "part-empty", CM_ERR_FORMAT, "qe_identity of 0 bytes");
    refuses(q, b, "part-nuls", CM_ERR_FORMAT, "tcb_info of 4096 bytes");
    refuses(q, b, "part-huge-text", CM_ERR_LIMIT, "tcb_info of 4294967280 bytes");
    refuses(q, b, "part-huge", CM_ERR_LIMIT, "pck_crl of 4294967280 bytes");
    refuses(q, b, "fail:e019", CM_ERR_IO, "0xe019");
    refuses(q, b, "fail:e011", CM_ERR_NOTFOUND, "register it");
    pki_free(b);
}

/* What the quote says about itself is read strictly, before anybody is asked. */
TEST(all_bad_quotes)
{
    struct pki_spec s;
    struct pki_bundle *b = NULL;
    struct cm_quoting_collateral *c = NULL;
    struct cm_why why = {""};

    pki_defaults(&s, 3, 1);
    b = kit_platform(&s);
    REQUIRE(maker() != NULL);
    for (size_t len = 0; len < b->quote.len; len += len < 64 ? 1 : 97) {
        CHECK_EQ(cm_quoting_collateral(maker(), cm_span_make(b->quote.ptr, len),
                                       cm_span_make(NULL, 0), &c, NULL),
                 CM_ERR_FORMAT);
        CHECK(c == NULL);
    }
    pki_free(b);
    s.cert_type = 1;
    b = kit_platform(&s);
    /* no library is asked for a quote without certificates; Intel's service cannot answer for it */
    REQUIRE(setenv("CASEMATE_PCCS_URL",
                   "https://api.trustedservices.intel.com/sgx/certification/v4", 1) == 0);
    CHECK_EQ(cm_quoting_collateral(maker(), b->quote, cm_span_make(NULL, 0), &c, &why),
             CM_ERR_UNSUPPORTED);
    CHECK(strstr(why.text, "caching service") != NULL);
    REQUIRE(unsetenv("CASEMATE_PCCS_URL") == 0);
    why.text[0] = '\0'; /* nor where nobody named a service: the library would hear of FMSPC 0 */
    REQUIRE(setenv("QCNL_CONF_PATH", "/nowhere/qcnl.conf", 1) == 0);
    CHECK_EQ(cm_quoting_collateral(maker(), b->quote, cm_span_make(NULL, 0), &c, &why),
             CM_ERR_NOTFOUND);
    CHECK(strstr(why.text, "/nowhere/qcnl.conf") != NULL);
    REQUIRE(unsetenv("QCNL_CONF_PATH") == 0);
    pki_free(b);
    pki_defaults(&s, 3, 1);
    s.pck.sgx = false;
    b = kit_platform(&s);
    CHECK_EQ(cm_quoting_collateral(maker(), b->quote, cm_span_make(NULL, 0), &c, NULL),
             CM_ERR_FORMAT);
    pki_free(b);
}

static enum cm_status by_baseline(const struct pki_bundle *b, const char *mode, struct cm_span text,
                                  struct cm_why *why)
{
    struct cm_quoting_collateral *c = NULL;
    enum cm_status st = CM_OK;

    (void)setenv("FAKE_MODE", mode, 1);
    st = cm_quoting_collateral(maker(), b->quote, text, &c, why);
    CHECK_EQ(c != NULL, st == CM_OK);
    CHECK_EQ(alive(), 0);
    cm_quoting_collateral_free(c);
    return st;
}

/* The library gets the baseline as it is; no other source of collateral may take its place. */
TEST(all_editions)
{
    const struct cm_span seven = cm_span_make("edition 7", 9);
    static uint8_t large[65536] = "edition 7";
    struct cm_why why = {""};
    struct pki_spec s;
    struct pki_bundle *b = NULL;

    for (int tdx = 0; tdx < 2; tdx++) {
        pki_defaults(&s, tdx == 1 ? 4 : 3, tdx == 1 ? 2 : 1);
        b = kit_platform(&s);
        CHECK_EQ(by_baseline(b, tdx == 1 ? "tdx" : "good", seven, NULL), CM_OK);
        CHECK_EQ(by_baseline(b, tdx == 1 ? "tdx" : "good", cm_span_make("edition 8", 9), NULL),
                 CM_ERR_PLATFORM);
        pki_free(b);
    }
    pki_defaults(&s, 3, 1);
    b = kit_platform(&s);
    CHECK_EQ(by_baseline(b, "good", cm_span_make(large, sizeof(large)), NULL), CM_ERR_LIMIT);
    REQUIRE(setenv("CASEMATE_COLLATERAL", "/nowhere", 1) == 0);
    CHECK_EQ(by_baseline(b, "good", seven, &why), CM_ERR_UNSUPPORTED);
    CHECK(strstr(why.text, "baseline") != NULL);
    REQUIRE(unsetenv("CASEMATE_COLLATERAL") == 0);
    pki_free(b);
}

TEST(old_has_no_editions)
{
    struct cm_why why = {""};
    struct pki_spec s;
    struct pki_bundle *b = NULL;

    pki_defaults(&s, 3, 1);
    b = kit_platform(&s);
    CHECK_EQ(by_baseline(b, "good", cm_span_make("edition 7", 9), &why), CM_ERR_UNSUPPORTED);
    CHECK(strstr(why.text, "cannot choose") != NULL);
    pki_free(b);
}

TEST(all_without_memory)
{
    struct pki_spec s;
    struct pki_bundle *b = NULL;
    const struct cm_quoting *q = NULL;
    enum cm_status st = CM_ERR_NOMEM;

    pki_defaults(&s, 3, 1);
    b = kit_platform(&s);
    q = maker();
    REQUIRE(q != NULL);
    for (long k = 1; st != CM_OK && k < 2000; k++) {
        struct cm_quoting_collateral *c = NULL;

        fail_alloc_at(k);
        st = cm_quoting_collateral(q, b->quote, cm_span_make(NULL, 0), &c, NULL);
        fail_alloc_at(-1);
        CHECK((st == CM_OK) == (c != NULL));
        CHECK_EQ(alive() > 0, 0);
        cm_quoting_collateral_free(c);
    }
    CHECK_EQ(st, CM_OK);
    pki_free(b);
}

/* The first versions: other names, revocation lists in PEM. */
TEST(old_names_and_pem)
{
    struct pki_spec s;
    struct pki_bundle *b = NULL;
    const struct cm_quoting *q = NULL;

    (void)setenv("SGX_AESM_ADDR", "1", 1);
    pki_defaults(&s, 3, 1);
    s.root_crl.form = 1;
    s.pck_crl.form = 1;
    b = kit_platform(&s);
    REQUIRE(cm_quoting_choose(false, &q, NULL) == CM_OK);
    verifies(q, b, "good");
    verifies(q, b, "nul");
    pki_free(b);
    pki_defaults(&s, 4, 2);
    b = kit_platform(&s);
    refuses(q, b, "tdx", CM_ERR_PLATFORM, "no collateral for TDX: update");
    pki_free(b);
}

/* A bundle that the user names comes before everything that is installed. */
TEST(all_offline_bundle)
{
    struct pki_spec s;
    struct pki_bundle *b = NULL;

    pki_defaults(&s, 3, 1);
    b = kit_platform(&s);
    REQUIRE(maker() != NULL);
    (void)setenv("CASEMATE_COLLATERAL", kit_dir, 1);
    verifies(maker(), b, "fail:e019");
    (void)setenv("CASEMATE_COLLATERAL", "/nowhere", 1);
    refuses(maker(), b, "good", CM_ERR_NOTFOUND, "/nowhere");
    (void)unsetenv("CASEMATE_COLLATERAL");
    pki_free(b);
}

/* No library, and a configuration that cannot be used: an error, and no request to anybody. */
TEST(aesm_only_has_no_provider)
{
    struct pki_spec s;
    struct pki_bundle *b = NULL;
    struct cm_quoting_collateral *c = NULL;
    struct cm_why why = {""};

    pki_defaults(&s, 3, 1);
    b = kit_platform(&s);
    REQUIRE(maker() != NULL);
    (void)setenv("QCNL_CONF_PATH", "/nowhere/qcnl.conf", 1);
    CHECK_EQ(cm_quoting_collateral(maker(), b->quote, cm_span_make(NULL, 0), &c, &why),
             CM_ERR_NOTFOUND);
    CHECK(strstr(why.text, "/nowhere/qcnl.conf") != NULL);
    (void)setenv("CASEMATE_PCCS_URL", "http://pccs.example/sgx/certification/v4/", 1);
    why.text[0] = '\0';
    CHECK_EQ(cm_quoting_collateral(maker(), b->quote, cm_span_make(NULL, 0), &c, &why),
             CM_ERR_PARAM);
    CHECK(strstr(why.text, "must be https") != NULL);
    (void)unsetenv("CASEMATE_PCCS_URL");
    (void)unsetenv("QCNL_CONF_PATH");
    pki_free(b);
}

TEST_MAIN
