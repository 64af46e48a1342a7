/*
 * Making quotes with stand-ins of Intel's libraries: good, failing, lying, old, broken, absent. The
 * tests' names begin with the folder of libraries that they want (LD_LIBRARY_PATH).
 */
#include "quoting_kit.h"

static struct pki_bundle *sgx_platform(void)
{
    struct pki_spec s;

    pki_defaults(&s, 3, 1);
    return kit_platform(&s);
}

/* Ask with a mode; what came out is compared and not looked at. */
static void expect_mode(const struct cm_quoting *q, const char *mode, enum cm_status want,
                        const char *says)
{
    static uint8_t quote[CM_QUOTING_MAX_QUOTE];
    struct cm_why why = {""};
    size_t size = 99;
    enum cm_status st = CM_OK;

    (void)setenv("FAKE_MODE", mode, 1);
    memset(quote, 0x77, 64);
    st = cm_quoting_quote(q, kit_report, quote, sizeof(quote), &size, &why);
    if (st != want || (says != NULL && strstr(why.text, says) == NULL)) {
        TEST_FAIL("%s: %s (%s), wanted %s (%s)", mode, cm_status_str(st), why.text,
                  cm_status_str(want), says != NULL ? says : "");
    }
    if (st != CM_OK && (size != 0 || quote[0] != 0x77)) {
        TEST_FAIL("%s: output was touched by a failure", mode);
    }
    (void)setenv("FAKE_MODE", "good", 1);
}

static void good_quote(const struct cm_quoting *q, const struct pki_bundle *b)
{
    uint8_t target[CM_QUOTING_TARGET_INFO_SIZE] = {0};
    uint8_t quote[16384] = {0};
    size_t bound = 0;
    size_t size = 0;

    CHECK_EQ(cm_quoting_target_info(q, target, NULL), CM_OK);
    CHECK_EQ(target[0], 0x51);
    CHECK_EQ(target[32], 0);
    CHECK_EQ(cm_quoting_quote(q, kit_report, NULL, 0, &bound, NULL), CM_OK);
    CHECK(bound >= b->quote.len);
    CHECK_EQ(cm_quoting_quote(q, kit_report, quote, bound, &size, NULL), CM_OK);
    CHECK_EQ(size, b->quote.len);
    CHECK_MEM(quote, b->quote.ptr, b->quote.len);
}

static void lying_sizes(const struct cm_quoting *q, const struct pki_bundle *b)
{
    uint8_t quote[16384] = {0};
    size_t size = 0;

    expect_mode(q, "size-zero", CM_ERR_FORMAT, "0 bytes");
    expect_mode(q, "size-small", CM_ERR_FORMAT, "435 bytes");
    expect_mode(q, "size-huge", CM_ERR_LIMIT, "4294967295 bytes");
    expect_mode(q, "size-cut", CM_ERR_FORMAT, "no quote");

    /* a bound that is too large is lawful; the quote's own end counts */
    (void)setenv("FAKE_MODE", "size-loose", 1);
    CHECK_EQ(cm_quoting_quote(q, kit_report, quote, sizeof(quote), &size, NULL), CM_OK);
    CHECK_EQ(size, b->quote.len);
    /* and the caller needs room for that only */
    CHECK_EQ(cm_quoting_quote(q, kit_report, quote, b->quote.len, &size, NULL), CM_OK);
    CHECK_EQ(cm_quoting_quote(q, kit_report, quote, b->quote.len - 1, &size, NULL), CM_ERR_SPACE);
    CHECK_EQ(size, b->quote.len);
    (void)setenv("FAKE_MODE", "good", 1);
}

static void lying_quotes(const struct cm_quoting *q)
{
    expect_mode(q, "nothing", CM_ERR_FORMAT, "no quote");
    expect_mode(q, "noise", CM_ERR_FORMAT, "no quote");
    expect_mode(q, "version", CM_ERR_FORMAT, "no quote");
    expect_mode(q, "auth-length", CM_ERR_FORMAT, "no quote");
    expect_mode(q, "behind", CM_ERR_FORMAT, "no quote");
    expect_mode(q, "other", CM_ERR_MISMATCH, "another report");
    expect_mode(q, "late", CM_ERR_SIGNATURE, "not of this platform");
}

static void lying_target(const struct cm_quoting *q)
{
    uint8_t target[CM_QUOTING_TARGET_INFO_SIZE];
    struct cm_why why = {""};

    memset(target, 0xff, sizeof(target));
    (void)setenv("FAKE_MODE", "no-target", 1);
    CHECK_EQ(cm_quoting_target_info(q, target, &why), CM_ERR_FORMAT);
    CHECK(strstr(why.text, "without a measurement") != NULL);
    CHECK_EQ(target[0], 0);
    (void)setenv("FAKE_MODE", "good", 1);
}

/* ------------------------------------------------------- libsgx_dcap_ql */

TEST(all_in_process)
{
    struct pki_bundle *b = sgx_platform();
    const struct cm_quoting *q = NULL;
    struct cm_why why = {""};

    (void)unsetenv("SGX_AESM_ADDR");
    CHECK_EQ(cm_quoting_choose(false, &q, &why), CM_OK);
    CHECK_STR(why.text, "");
    REQUIRE(q != NULL);
    CHECK_STR(cm_quoting_name(q), "libsgx_dcap_ql.so.1 (in process)");
    good_quote(q, b);
    lying_sizes(q, b);
    lying_quotes(q);
    lying_target(q);
    pki_free(b);
}

TEST(all_in_process_codes)
{
    struct pki_bundle *b = sgx_platform();
    const struct cm_quoting *q = NULL;
    uint8_t target[CM_QUOTING_TARGET_INFO_SIZE];
    struct cm_why why = {""};

    (void)unsetenv("SGX_AESM_ADDR");
    REQUIRE(cm_quoting_choose(false, &q, NULL) == CM_OK);
    expect_mode(q, "fail:e003", CM_ERR_NOMEM, "0xe003");
    expect_mode(q, "fail:e011", CM_ERR_NOTFOUND, "register it");
    expect_mode(q, "fail:e014", CM_ERR_BUSY, "try again");
    expect_mode(q, "fail:e016", CM_ERR_PLATFORM, "sgx_prv");
    expect_mode(q, "fail:e019", CM_ERR_IO, "sgx_default_qcnl.conf");
    expect_mode(q, "fail:e0fe", CM_ERR_PLATFORM, "sgx_qe_get_quote_size failed with 0xe0fe");
    (void)setenv("FAKE_MODE", "fail:e00d", 1);
    memset(target, 0xff, sizeof(target));
    CHECK_EQ(cm_quoting_target_info(q, target, &why), CM_ERR_PLATFORM);
    CHECK(strstr(why.text, "/dev/sgx_provision") != NULL);
    CHECK_EQ(target[0], 0);
    pki_free(b);
}

/* Neither the emulated platform for hardware, nor hardware for the emulated one. */
TEST(all_emulated_is_asked_for_by_name)
{
    const struct cm_quoting *q = NULL;
    struct cm_why why = {""};

    CHECK_EQ(cm_quoting_choose(true, &q, &why), CM_OK);
    REQUIRE(q != NULL);
    CHECK_STR(cm_quoting_name(q), "EMULATED platform");
    CHECK_EQ(cm_quoting_choose(false, &q, &why), CM_OK);
    CHECK(strstr(cm_quoting_name(q), "EMULATED") == NULL);
}

TEST(all_without_memory)
{
    struct pki_bundle *b = sgx_platform();
    const struct cm_quoting *q = NULL;
    uint8_t quote[16384] = {0};
    size_t size = 0;

    (void)unsetenv("SGX_AESM_ADDR");
    REQUIRE(cm_quoting_choose(false, &q, NULL) == CM_OK);
    fail_alloc_at(1);
    CHECK_EQ(cm_quoting_quote(q, kit_report, quote, sizeof(quote), &size, NULL), CM_ERR_NOMEM);
    CHECK_EQ(size, 0);
    pki_free(b);
}

/* ---------------------------------------------------------------- AESM */

TEST(all_aesm_when_asked)
{
    struct pki_bundle *b = sgx_platform();
    const struct cm_quoting *q = NULL;

    (void)setenv("SGX_AESM_ADDR", "1", 1);
    REQUIRE(cm_quoting_choose(false, &q, NULL) == CM_OK);
    CHECK_STR(cm_quoting_name(q), "libsgx_quote_ex.so.1 (AESM)");
    expect_mode(q, "no-keys", CM_ERR_NOTFOUND, "0 attestation keys");
    expect_mode(q, "many-keys", CM_ERR_LIMIT, "attestation keys");
    expect_mode(q, "epid", CM_ERR_UNSUPPORTED, "libsgx-aesm-ecdsa-plugin");
    expect_mode(q, "id-zero", CM_ERR_FORMAT, "0 bytes");
    expect_mode(q, "id-huge", CM_ERR_LIMIT, "key id of 18446744073709551615 bytes");
    expect_mode(q, "fail:4001", CM_ERR_PLATFORM, "start aesmd");
    expect_mode(q, "fail:4002", CM_ERR_BUSY, "too slow");
    expect_mode(q, "fail:8005", CM_ERR_NOTFOUND, "register it");
    expect_mode(q, "never-ready", CM_ERR_PLATFORM, "not initialised");
    good_quote(q, b);
    lying_sizes(q, b);
    lying_quotes(q);
    lying_target(q);
    pki_free(b);
}

/* The daemon forgets its key when it restarts: the quote is made nevertheless. */
TEST(all_aesm_restarted)
{
    struct pki_bundle *b = sgx_platform();
    const struct cm_quoting *q = NULL;
    uint8_t quote[16384] = {0};
    size_t size = 0;

    (void)setenv("SGX_AESM_ADDR", "1", 1);
    REQUIRE(cm_quoting_choose(false, &q, NULL) == CM_OK);
    (void)unsetenv("FAKE_LOST");
    (void)setenv("FAKE_MODE", "lost", 1);
    CHECK_EQ(cm_quoting_quote(q, kit_report, quote, sizeof(quote), &size, NULL), CM_OK);
    CHECK_EQ(size, b->quote.len);
    CHECK(getenv("FAKE_LOST") != NULL);
    pki_free(b);
}

TEST(aesm_only_is_the_second_choice)
{
    struct pki_bundle *b = sgx_platform();
    const struct cm_quoting *q = NULL;

    (void)unsetenv("SGX_AESM_ADDR");
    REQUIRE(cm_quoting_choose(false, &q, NULL) == CM_OK);
    CHECK_STR(cm_quoting_name(q), "libsgx_quote_ex.so.1 (AESM)");
    good_quote(q, b);
    pki_free(b);
}

/* ------------------------------------------- absent, old and broken ones */

TEST(none_says_what_to_install)
{
    const struct cm_quoting *q = NULL;
    struct cm_why why = {""};
    struct cm_why asked = {""};

    (void)unsetenv("SGX_AESM_ADDR");
    CHECK_EQ(cm_quoting_choose(false, &q, &why), CM_ERR_NOTFOUND);
    CHECK(q == NULL);
    CHECK(strstr(why.text, "libsgx-dcap-ql") != NULL);
    CHECK(strstr(why.text, "libsgx-quote-ex") != NULL);
    (void)setenv("SGX_AESM_ADDR", "", 1); /* its presence asks, as with Open Enclave */
    CHECK_EQ(cm_quoting_choose(false, &q, &asked), CM_ERR_NOTFOUND);
    CHECK(strstr(asked.text, "SGX_AESM_ADDR") != NULL);
    CHECK(strstr(asked.text, "libsgx_quote_ex.so.1 is absent") != NULL);
}

TEST(old_lacks_a_function)
{
    const struct cm_quoting *q = NULL;
    struct cm_why why = {""};

    (void)unsetenv("SGX_AESM_ADDR");
    /* a library that is there and does not work is not passed over in silence */
    CHECK_EQ(cm_quoting_choose(false, &q, &why), CM_ERR_PLATFORM);
    CHECK(q == NULL);
    CHECK(strstr(why.text, "no function sgx_qe_get_quote:") != NULL);
    CHECK(strstr(why.text, "update the package libsgx-dcap-ql") != NULL);
}

TEST(old_aesm_selects)
{
    struct pki_bundle *b = sgx_platform();
    const struct cm_quoting *q = NULL;

    (void)setenv("SGX_AESM_ADDR", "1", 1);
    REQUIRE(cm_quoting_choose(false, &q, NULL) == CM_OK);
    expect_mode(q, "epid", CM_ERR_UNSUPPORTED, "libsgx-aesm-ecdsa-plugin");
    good_quote(q, b);
    pki_free(b);
}

TEST(broken_is_not_absent)
{
    const struct cm_quoting *q = NULL;
    struct cm_why why = {""};

    (void)unsetenv("SGX_AESM_ADDR");
    CHECK_EQ(cm_quoting_choose(false, &q, &why), CM_ERR_PLATFORM);
    CHECK(strstr(why.text, "cannot be loaded") != NULL);
    CHECK(strstr(why.text, "libsgx-dcap-ql") != NULL);
}

TEST_MAIN
