/* casemate run --profile: the table from what liboehost wrote, which may be anything. */
#include "cli/cli.h"

#include "harness.h"

#define HEAD "casemate-profile 1\n"

static char output[8192];

static enum cm_status print_len(const char *text, size_t len, bool json)
{
    FILE *f = tmpfile();
    struct cm_why why = {{0}};
    enum cm_status st = CM_ERR_IO;
    size_t n = 0;

    if (f != NULL) {
        st = cm_cli_profile(text, len, json, f, &why);
        rewind(f);
        n = fread(output, 1, sizeof(output) - 1, f);
        (void)fclose(f);
    }
    output[n] = '\0';
    CHECK(st == CM_OK || why.text[0] != '\0' || st != CM_ERR_SYNTAX);
    return st;
}

static enum cm_status print(const char *text, bool json)
{
    return print_len(text, strlen(text), json);
}

TEST(adds_up_what_several_processes_wrote)
{
    static const char text[] =
        HEAD "ecall\tecall_a\t2\t100\t50\t3000\t1000\n"
             "ocall\tshow\t5\t10\t0\t2000\t2000\n" HEAD "ecall\tecall_a\t1\t10\t5\t700\t700\n"
             "ecall\tecall_b\t1\t0\t0\t9000000\t9000000\n";

    CHECK_EQ(print(text, true), CM_OK);
    CHECK_STR(
        output,
        "{\"functions\":[{\"kind\":\"ecall\",\"name\":\"ecall_b\",\"calls\":1,\"bytes_in\":0,"
        "\"bytes_out\":0,\"ns\":9000000,\"own_ns\":9000000},{\"kind\":\"ecall\",\"name\":"
        "\"ecall_a\",\"calls\":3,\"bytes_in\":110,\"bytes_out\":55,\"ns\":3700,\"own_ns\":1700},"
        "{\"kind\":\"ocall\",\"name\":\"show\",\"calls\":5,\"bytes_in\":10,\"bytes_out\":0,"
        "\"ns\":2000,\"own_ns\":2000}]}\n");
    CHECK_EQ(print(text, false), CM_OK);
    CHECK(strstr(output, "ecall ecall_a                           3    110 B     55 B   3700 ns"
                         "   1233 ns\n") != NULL);
}

TEST(prints_that_nothing_was_counted)
{
    CHECK_EQ(print("", false), CM_OK);
    CHECK(strstr(output, "no ecall was made") != NULL);
    CHECK_EQ(print(HEAD, true), CM_OK);
    CHECK_STR(output, "{\"functions\":[]}\n");
}

TEST(refuses_a_damaged_file)
{
    static const char *const bad[] = {
        "x",
        HEAD "ecall\ta\t1\t2\t3\t4\n",
        HEAD "ecall\ta\t1\t2\t3\t4\t5\t6\n",
        HEAD "xcall\ta\t1\t2\t3\t4\t5\n",
        HEAD "ecall\t\t1\t2\t3\t4\t5\n",
        HEAD "ecall\ta b\t1\t2\t3\t4\t5\n",
        HEAD "ecall\ta\x1b[2J\t1\t2\t3\t4\t5\n",
        HEAD "ecall\ta\t-1\t2\t3\t4\t5\n",
        HEAD "ecall\ta\t1\t2\t3\t4\t99999999999999999999\n",
        HEAD "ecall\ta\t1\t2\t3\t4\t5",
        "ecall\ta\t1\t2\t3\t4\t5\n",
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CHECK_EQ(print(bad[i], false), CM_ERR_SYNTAX);
        CHECK_STR(output, "");
    }
    CHECK_EQ(print(HEAD "ecall\ta\t18446744073709551615\t2\t3\t4\t5\n"
                        "ecall\ta\t1\t2\t3\t4\t5\n",
                   false),
             CM_ERR_OVERFLOW);
}

TEST(every_truncation_ends)
{
    static const char text[] = HEAD "ecall\tecall_a\t2\t100\t50\t3000\t1000\n";

    for (size_t n = 1; n < sizeof(text) - 1; n++) {
        enum cm_status st = print_len(text, n, false);

        CHECK_EQ(st, n == sizeof(HEAD) - 1 || n == sizeof(HEAD) - 2 ? CM_OK : CM_ERR_SYNTAX);
    }
}

TEST_MAIN
