/* The configuration file: its grammar, its complaints, and what it overrides. */
#include "harness.h"

#include "arch/sgx.h"
#include "sign/sign.h"

static enum cm_status parse(const char *text, struct cm_sign_config *c, struct cm_why *why)
{
    return cm_sign_config_parse(cm_span_make(text, strlen(text)), c, why);
}

static struct cm_enclave_props source_props(void)
{
    struct cm_enclave_props p = {0};

    p.product_id = 1;
    p.security_version = 2;
    p.family_id[0] = 3;
    p.extended_product_id[0] = 4;
    p.attributes = SGX_ATTR_MODE64 | SGX_ATTR_KSS;
    p.heap_pages = 5;
    p.stack_pages = 6;
    p.tcs_count = 7;
    p.start_address = 0x70000;
    p.capture_pf_gp = true;
    p.zero_base = true;
    return p;
}

TEST(every_key_is_read)
{
    static const char text[] = "# a comment\n"
                               "\n"
                               "  Debug = 1 \r\n"
                               "NumHeapPages=1024\n"
                               "NumStackPages\t=\t0x10\n"
                               "NumTCS=4\n"
                               "ProductID=65535\n"
                               "SecurityVersion=0xABcd\n"
                               "FamilyID=00112233-4455-6677-8899-aabbccddeeff\n"
                               "ExtendedProductID=FFEEDDCC-BBAA-9988-7766-554433221100\n"
                               "CapturePFGPExceptions=1\n"
                               "CreateZeroBaseEnclave=1\n"
                               "StartAddress=0x20000\n"
                               "SigningDate=20251231"; /* no newline at the end */
    struct cm_sign_config c;
    struct cm_why why = {{0}};
    struct cm_enclave_props p = source_props();
    uint32_t date = 0;

    REQUIRE(parse(text, &c, &why) == CM_OK);
    cm_sign_config_apply(&c, &p);
    CHECK_EQ(p.attributes, SGX_ATTR_MODE64 | SGX_ATTR_DEBUG | SGX_ATTR_KSS);
    CHECK_EQ(p.heap_pages, 1024);
    CHECK_EQ(p.stack_pages, 16);
    CHECK_EQ(p.tcs_count, 4);
    CHECK_EQ(p.product_id, 65535);
    CHECK_EQ(p.security_version, 0xabcd);
    CHECK_EQ(p.family_id[0], 0x00);
    CHECK_EQ(p.family_id[1], 0x11);
    CHECK_EQ(p.family_id[15], 0xff);
    CHECK_EQ(p.extended_product_id[0], 0xff);
    CHECK(p.capture_pf_gp && p.zero_base);
    CHECK_EQ(p.start_address, 0x20000);
    CHECK_EQ(cm_sign_date(&c, "0", &date, NULL), CM_OK);
    CHECK_EQ(date, 0x20251231);
}

/* Open Enclave's rules for absent keys (open-enclave-api.md 5.1). */
TEST(absent_keys_keep_or_reset)
{
    struct cm_sign_config c;
    struct cm_enclave_props p = source_props();

    REQUIRE(parse("", &c, NULL) == CM_OK);
    cm_sign_config_apply(&c, &p);
    CHECK_EQ(p.product_id, 1);
    CHECK_EQ(p.security_version, 2);
    CHECK_EQ(p.heap_pages, 5);
    CHECK_EQ(p.stack_pages, 6);
    CHECK_EQ(p.tcs_count, 7);
    CHECK_EQ(p.start_address, 0x70000);
    CHECK_EQ(p.attributes, SGX_ATTR_MODE64); /* KSS off */
    CHECK_EQ(p.family_id[0], 0);
    CHECK_EQ(p.extended_product_id[0], 0);
    CHECK(!p.capture_pf_gp && !p.zero_base);
    CHECK_EQ(cm_props_check(
                 &(struct cm_enclave_props){
                     .attributes = p.attributes, .xfrm = 3, .stack_pages = 1, .tcs_count = 1},
                 NULL),
             CM_OK);
}

TEST(start_address_needs_a_zero_base)
{
    static const char *const alone[] = {"StartAddress=0x30000\n", "StartAddress=0\n",
                                        "CreateZeroBaseEnclave=0\nStartAddress=0x30000\n"};
    struct cm_sign_config c;
    struct cm_enclave_props p = source_props();

    for (size_t i = 0; i < sizeof(alone) / sizeof(alone[0]); i++) {
        struct cm_why why = {{0}};

        CHECK_EQ(parse(alone[i], &c, &why), CM_ERR_SYNTAX);
        CHECK(strstr(why.text, "add CreateZeroBaseEnclave=1") != NULL);
        CHECK_EQ(c.present, 0);
    }
    REQUIRE(parse("StartAddress=0x30000\nCreateZeroBaseEnclave=1\n", &c, NULL) == CM_OK);
    cm_sign_config_apply(&c, &p);
    CHECK(p.zero_base);
    CHECK_EQ(p.start_address, 0x30000);
    /* without one the source's stays */
    p = source_props();
    REQUIRE(parse("CreateZeroBaseEnclave=1\n", &c, NULL) == CM_OK);
    cm_sign_config_apply(&c, &p);
    CHECK_EQ(p.start_address, 0x70000);
}

TEST(kss_is_on_with_either_id)
{
    struct cm_sign_config c;
    struct cm_enclave_props p = source_props();

    REQUIRE(parse("ExtendedProductID=00000000-0000-0000-0000-000000000000\n", &c, NULL) == CM_OK);
    cm_sign_config_apply(&c, &p);
    CHECK((p.attributes & SGX_ATTR_KSS) != 0);
    REQUIRE(parse("Debug=0\n", &c, NULL) == CM_OK);
    cm_sign_config_apply(&c, &p);
    CHECK_EQ(p.attributes, SGX_ATTR_MODE64);
}

TEST(complaints_name_line_and_key)
{
    static const struct {
        const char *text;
        const char *complaint;
    } cases[] = {
        {"Debug=1\nDebug=0\n", "line 2: duplicate setting 'Debug'"},
        {"\n\nHeap=1\n", "line 3: unknown setting 'Heap'"},
        {"debug=1\n", "line 1: unknown setting 'debug'"},
        {"Debug=2\n", "line 1: bad value for 'Debug': '2'"},
        {"Debug=\n", "line 1: bad value for 'Debug': ''"},
        {"Debug=-1\n", "bad value for 'Debug'"},
        {"Debug=1 # no\n", "bad value for 'Debug'"},
        {"NumTCS\n", "line 1: not NAME=VALUE: 'NumTCS'"},
        {"=1\n", "line 1: unknown setting ''"},
        {"NumHeapPages=1x\n", "bad value for 'NumHeapPages'"},
        {"NumHeapPages=0x\n", "bad value for 'NumHeapPages'"},
        {"NumHeapPages=18446744073709551616\n", "bad value for 'NumHeapPages'"},
        {"ProductID=65536\n", "bad value for 'ProductID'"},
        {"SecurityVersion=65536\n", "bad value for 'SecurityVersion'"},
        {"FamilyID=1\n", "bad value for 'FamilyID'"},
        {"FamilyID=00112233-4455-6677-8899-aabbccddeef\n", "bad value for 'FamilyID'"},
        {"FamilyID=001122334-455-6677-8899-aabbccddeeff\n", "bad value for 'FamilyID'"},
        {"FamilyID=0g112233-4455-6677-8899-aabbccddeeff\n", "bad value for 'FamilyID'"},
        {"SigningDate=20261301\n", "bad value for 'SigningDate'"},
        {"SigningDate=2026-1-1\n", "bad value for 'SigningDate'"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct cm_sign_config c;
        struct cm_why why = {{0}};

        memset(&c, 0xff, sizeof(c));
        CHECK_EQ(parse(cases[i].text, &c, &why), CM_ERR_SYNTAX);
        CHECK_EQ(c.present, 0);
        if (strstr(why.text, cases[i].complaint) == NULL) {
            TEST_FAIL("\"%s\" lacks \"%s\"", why.text, cases[i].complaint);
        }
    }
    struct cm_sign_config c;

    CHECK_EQ(cm_sign_config_parse(cm_span_make("Debug=1\0", 8), &c, NULL), CM_ERR_SYNTAX);
}

TEST(dates_come_from_the_epoch_variable)
{
    static const struct {
        const char *epoch;
        uint32_t date;
    } cases[] = {{NULL, CM_SIGSTRUCT_DEFAULT_DATE},
                 {"", CM_SIGSTRUCT_DEFAULT_DATE},
                 {"0", 0x19700101},
                 {"86399", 0x19700101},
                 {"86400", 0x19700102},
                 {"951782400", 0x20000229},
                 {"951868800", 0x20000301},
                 {"1735689599", 0x20241231},
                 {"1795305600", 0x20261122},
                 {"4107542400", 0x21000301},
                 {"253402300799", 0x99991231}};
    uint32_t date = 0;
    struct cm_why why = {{0}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CHECK_EQ(cm_sign_date(NULL, cases[i].epoch, &date, NULL), CM_OK);
        CHECK_EQ(date, cases[i].date);
    }
    CHECK_EQ(cm_sign_date(NULL, "253402300800", &date, NULL), CM_ERR_SYNTAX);
    CHECK_EQ(cm_sign_date(NULL, "yesterday", &date, &why), CM_ERR_SYNTAX);
    CHECK(strstr(why.text, "SOURCE_DATE_EPOCH") != NULL);
}

TEST_MAIN
