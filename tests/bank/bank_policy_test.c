/* What a policy file may say, and that one which says too little, or not clearly, is refused. */
#include <unistd.h>

#include "bank/host/bank_policy.h"
#include "harness.h"

#define HEX   "00112233445566778899AABBCCDDEEFF00112233445566778899aabbccddeeff"
#define OTHER "1111111111111111111111111111111111111111111111111111111111111111"

static enum bank_status read_text(const char *text, struct bank_policy *p, struct bank_why *why)
{
    char path[] = "/tmp/cm-bank-policy-XXXXXX";
    int fd = mkstemp(path);
    enum bank_status st = BANK_IO;

    memset(why, 0, sizeof(*why));
    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) || close(fd) != 0) {
        abort();
    }
    st = bank_policy_read(path, p, why);
    (void)unlink(path);
    return st;
}

TEST(a_measurement_alone)
{
    struct bank_policy p;
    struct bank_why why;

    REQUIRE(read_text("mrenclave=" HEX "\n", &p, &why) == BANK_OK);
    CHECK(p.by_enclave && !p.by_signer && !p.emulated);
    CHECK_MEM(p.enclave, "\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff", 16);
    CHECK_EQ(p.max_age, 120);
    CHECK(bank_policy_status_ok(&p, OE_SGX_TCB_STATUS_UP_TO_DATE));
    for (uint32_t s = 1; s < 40; s++) {
        CHECK(!bank_policy_status_ok(&p, (oe_sgx_tcb_status_t)s));
    }
    CHECK(!bank_policy_status_ok(&p, OE_SGX_TCB_STATUS_INVALID));
}

TEST(all_that_there_is)
{
    struct bank_policy p;
    struct bank_why why;

    REQUIRE(read_text("# ours\r\n\nmrsigner=" HEX "\r\nproduct=258\nminimum-svn=65535\n"
                      "tcb=SWHardeningNeeded,OutOfDate\nmax-age=5\nmrenclave=" OTHER,
                      &p, &why) == BANK_OK);
    CHECK(p.by_enclave && p.by_signer);
    CHECK_EQ(p.enclave[31], 0x11);
    CHECK_EQ(p.signer[31], 0xff);
    CHECK_EQ(p.product, 258);
    CHECK_EQ(p.minimum_svn, 65535);
    CHECK_EQ(p.max_age, 5);
    CHECK(bank_policy_status_ok(&p, OE_SGX_TCB_STATUS_UP_TO_DATE));
    CHECK(bank_policy_status_ok(&p, OE_SGX_TCB_STATUS_SW_HARDENING_NEEDED));
    CHECK(bank_policy_status_ok(&p, OE_SGX_TCB_STATUS_OUT_OF_DATE));
    CHECK(!bank_policy_status_ok(&p, OE_SGX_TCB_STATUS_CONFIGURATION_NEEDED));
    CHECK(!bank_policy_status_ok(&p, OE_SGX_TCB_STATUS_REVOKED));
    CHECK_STR(bank_policy_status_name(OE_SGX_TCB_STATUS_REVOKED), "Revoked");
}

TEST(refuses_what_is_unclear)
{
    static const char *const texts[] = {
        "",
        "tcb=OutOfDate\n",
        "mrenclave=\n",
        "mrenclave=" HEX "0\n",
        "mrenclave= " HEX "\n",
        "mrenclave",
        "mrenclave=" HEX "\nmrenclave=" OTHER "\n",
        "mrenclave=" HEX "\nMRSIGNER=" HEX "\n",
        "mrenclave=" HEX "\nemulated=1\n",
        "mrenclave=" HEX "\ndebug=1\n",
        "mrenclave=" HEX "\ntcb=Revoked\n",
        "mrenclave=" HEX "\ntcb=UpToDate, OutOfDate\n",
        "mrenclave=" HEX "\nmax-age=0\n",
        "mrenclave=" HEX "\nmax-age=-1\n",
        "mrenclave=" HEX "\nmax-age=\n",
        "mrenclave=" HEX "\nmax-age=100000\n",
        "mrenclave=" HEX "\nproduct=1\n",
        "mrsigner=" HEX "\n",
        "mrsigner=" HEX "\nproduct=1\n",
        "mrsigner=" HEX "\nminimum-svn=1\n",
        "mrsigner=" HEX "\nproduct=0x1\nminimum-svn=1\n",
        "product=1\nminimum-svn=1\n",
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct bank_policy p;
        struct bank_why why;

        if (read_text(texts[i], &p, &why) != BANK_SYNTAX || why.text[0] == '\0') {
            TEST_FAIL("accepted, or no reason: %s", texts[i]);
        }
    }
}

TEST(refuses_a_line_that_is_too_long)
{
    struct bank_policy p;
    struct bank_why why;
    char text[600];

    (void)snprintf(text, sizeof(text), "mrenclave=" HEX "\n# %0400d\n", 0);
    CHECK_EQ(read_text(text, &p, &why), BANK_SYNTAX);
}

TEST(says_where_there_is_none)
{
    struct bank_policy p;
    struct bank_why why = {{0}};

    CHECK_EQ(bank_policy_read("/nowhere/bank.policy", &p, &why), BANK_IO);
    CHECK(strstr(why.text, "policy /nowhere/bank.policy: ") != NULL);
    memset(&why, 0, sizeof(why));
    CHECK_EQ(bank_policy_read("/tmp", &p, &why), BANK_IO);
}

TEST_MAIN
