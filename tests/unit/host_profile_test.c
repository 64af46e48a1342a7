/* Counting calls for `casemate run --profile`. */
#include "host/profile.h"

#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

/* named as the EDL compiler names an ocall's stub */
static void ocall_show_text(const uint8_t *in, size_t in_size, uint8_t *out, size_t out_size,
                            size_t *written)
{
    (void)in;
    (void)in_size;
    (void)out;
    (void)out_size;
    *written = 0;
}

static void one_call(const char *name)
{
    struct cm_profile_call outside;
    struct cm_profile_call inside;

    cm_profile_enter(&outside);
    cm_profile_enter(&inside);
    (void)usleep(2000);
    cm_profile_ocall(&inside, ocall_show_text, 7, 11);
    cm_profile_ecall(&outside, name, 100, 32);
}

/* run this program again with a profile and read it: counters are written when a process ends */
static bool profile_of(const char *mode, char *text, size_t cap)
{
    char file[] = "/tmp/cm-profile-test-XXXXXX";
    int fd = mkstemp(file);
    int status = 0;
    pid_t child = fork();
    ssize_t n = 0;

    if (child == 0) {
        (void)setenv("CASEMATE_PROFILE", file, 1);
        (void)setenv("CM_PROFILE_TEST", mode, 1);
        (void)execl("/proc/self/exe", "host_profile_test", "child", (char *)NULL);
        _exit(99);
    }
    if (fd < 0 || child < 0 || waitpid(child, &status, 0) != child) {
        return false;
    }
    n = read(fd, text, cap - 1);
    text[n > 0 ? n : 0] = '\0';
    (void)close(fd);
    (void)unlink(file);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST(child_role)
{
    const char *mode = getenv("CM_PROFILE_TEST");

    if (mode == NULL) {
        SKIP("only when another test starts it");
    }
    CHECK(cm_profile_on);
    one_call("ecall_one");
    one_call("ecall_one");
    if (strcmp(mode, "fork") == 0) {
        pid_t child = fork();

        if (child == 0) {
            one_call("ecall_two");
            exit(0);
        }
        CHECK(waitpid(child, NULL, 0) == child);
    }
}

TEST(off_without_the_variable)
{
    CHECK(getenv("CM_PROFILE_TEST") != NULL || !cm_profile_on);
}

TEST(counts_calls_bytes_and_time)
{
    char text[4096];
    const char *e = NULL;
    const char *o = NULL;
    unsigned long long v[5];

    REQUIRE(profile_of("plain", text, sizeof(text)));
    CHECK(strncmp(text, "casemate-profile 1\n", 19) == 0);
    e = strstr(text, "ecall\tecall_one\t");
    o = strstr(text, "ocall\tshow_text\t");
    REQUIRE(e != NULL && o != NULL);
    REQUIRE(sscanf(e, "ecall\tecall_one\t%llu\t%llu\t%llu\t%llu\t%llu", &v[0], &v[1], &v[2], &v[3],
                   &v[4]) == 5);
    CHECK_EQ(v[0], 2);
    CHECK_EQ(v[1], 200);
    CHECK_EQ(v[2], 64);
    CHECK(v[3] >= 4000000); /* contains the ocalls' time */
    CHECK(v[4] < v[3]);     /* its own time does not */
    REQUIRE(sscanf(o, "ocall\tshow_text\t%llu\t%llu\t%llu\t%llu\t%llu", &v[0], &v[1], &v[2], &v[3],
                   &v[4]) == 5);
    CHECK_EQ(v[0], 2);
    CHECK_EQ(v[1], 14);
    CHECK_EQ(v[2], 22);
    CHECK_EQ(v[3], v[4]);
}

TEST(a_forked_child_counts_for_itself)
{
    char text[4096];
    const char *second = NULL;

    REQUIRE(profile_of("fork", text, sizeof(text)));
    second = strstr(text + 1, "casemate-profile 1\n");
    REQUIRE(second != NULL); /* the child ends first */
    CHECK(strstr(text, "ecall\tecall_two\t1\t") != NULL);
    CHECK(strstr(text, "ecall\tecall_two\t1\t") < second);
    CHECK(strstr(text, "ecall\tecall_one\t2\t") > second);
}

TEST(names_of_host_functions)
{
    char name[64];

    CHECK(cm_profile_function_name(ocall_show_text, name, sizeof(name)));
    CHECK_STR(name, "show_text");
    CHECK(!cm_profile_function_name(NULL, name, sizeof(name)));
}

TEST_MAIN
