/* The emulated platform as a maker of quotes, and what it never does for others. */
#include "emuplat_kit.h"

#include "common/span.h"
#include "quoting/quoting.h"

TEST(none_quotes_and_collateral)
{
    static uint8_t quote[CM_QUOTING_MAX_QUOTE];
    uint8_t target[CM_QUOTING_TARGET_INFO_SIZE];
    uint8_t want[CM_QUOTING_TARGET_INFO_SIZE];
    uint8_t report[CM_QUOTING_REPORT_SIZE];
    struct cm_quoting_collateral *c = NULL;
    const struct cm_quoting *q = NULL;
    struct cm_dcap_collateral col;
    struct cm_trust_root root;
    struct cm_verify_input in = {.roots = &root, .root_count = 1};
    size_t bound = 0;
    size_t size = 0;

    REQUIRE(kit_fresh() && kit_report(report));
    REQUIRE(cm_quoting_choose(true, &q, NULL) == CM_OK);
    CHECK_EQ(cm_quoting_target_info(q, target, NULL), CM_OK);
    CHECK_EQ(cm_emuplat_target_info(want, NULL), CM_OK);
    CHECK_MEM(target, want, sizeof(want));
    CHECK_EQ(cm_quoting_quote(q, report, NULL, 0, &bound, NULL), CM_OK);
    CHECK_EQ(cm_quoting_quote(q, report, quote, sizeof(quote), &size, NULL), CM_OK);
    CHECK(size != 0 && size <= bound);
    CHECK_EQ(cm_quoting_quote(q, report, quote, size - 1, &bound, NULL), CM_ERR_SPACE);
    CHECK_EQ(bound, size);

    CHECK_EQ(cm_quoting_collateral(q, cm_span_make(quote, size), cm_span_make(NULL, 0), &c, NULL),
             CM_OK);
    REQUIRE(c != NULL && cm_emuplat_trust_root(&root, NULL) == CM_OK);
    col = cm_quoting_collateral_view(c);
    in.now = cm_emuplat_clock();
    CHECK_EQ(kit_judge(cm_span_make(quote, size), &col, &in, 0).status, CM_ERR_POLICY);
    in.flags = CM_VERIFY_ALLOW_EMULATED;
    CHECK_EQ(kit_judge(cm_span_make(quote, size), &col, &in, 0).status, CM_OK);
    CHECK(kit_judge(cm_span_make(quote, size), &col, &in, 0).emulated);
    cm_quoting_collateral_free(c);

    report[64] ^= 1; /* another MRENCLAVE than the processor's MAC is over */
    CHECK_EQ(cm_quoting_quote(q, report, quote, sizeof(quote), &size, NULL), CM_ERR_SIGNATURE);
    CHECK_EQ(size, 0);
    kit_remove();
}

/* A verifier that was not told of emulation makes no emulated platform because a stranger's quote
 * says EMULATED, and asks nobody for it but who it is configured to ask. */
TEST(none_for_hardware_stays_untouched)
{
    static uint8_t quote[KIT_QUOTE_MAX];
    struct cm_quoting_collateral *c = NULL;
    struct cm_why why = {""};
    size_t size = 0;
    char old[64] = "";

    REQUIRE(kit_fresh());
    size = kit_quote(quote);
    REQUIRE(size != 0);
    (void)snprintf(old, sizeof(old), "%s", kit_dir);
    REQUIRE(kit_fresh()); /* another user's state, empty */
    (void)setenv("QCNL_CONF_PATH", "/dev/null/no/place", 1);
    CHECK(cm_quoting_collateral(NULL, cm_span_make(quote, size), cm_span_make(NULL, 0), &c, &why) !=
          CM_OK);
    CHECK(c == NULL && strstr(why.text, "/dev/null/no/place") != NULL);
    (void)unsetenv("QCNL_CONF_PATH");
    CHECK_EQ(rmdir(kit_dir), 0); /* it is empty still */
    (void)snprintf(kit_dir, sizeof(kit_dir), "%s", old);
    (void)snprintf(kit_state, sizeof(kit_state), "%s/" CM_EMUPLAT_FILE, kit_dir);
    (void)snprintf(kit_fuses, sizeof(kit_fuses), "%s/" CM_EMU_PLATFORM_FILE, kit_dir);
    kit_remove();
}

/* A source that the user names is asked for emulated quotes, too. */
TEST(none_named_source_comes_first)
{
    static uint8_t quote[KIT_QUOTE_MAX];
    struct cm_quoting_collateral *c = NULL;
    const struct cm_quoting *q = NULL;
    size_t size = 0;

    REQUIRE(kit_fresh() && cm_quoting_choose(true, &q, NULL) == CM_OK);
    size = kit_quote(quote);
    REQUIRE(size != 0);
    (void)setenv("CASEMATE_COLLATERAL", "/dev/null/no/place", 1);
    CHECK_EQ(cm_quoting_collateral(q, cm_span_make(quote, size), cm_span_make(NULL, 0), &c, NULL),
             CM_ERR_NOTFOUND);
    (void)unsetenv("CASEMATE_COLLATERAL");
    kit_remove();
}

TEST_MAIN
