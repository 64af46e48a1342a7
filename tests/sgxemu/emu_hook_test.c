/*
 * What the environment makes the emulator do: the line that says EMULATED, hostile contents of
 * unmeasured pages (G1) and the log of the measurement. Each case runs in a child of its own, since
 * the variables are read once.
 */
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "emu_kit.h"

#define MIB (1ull << 20)

/* exit code of run() in a child with NAME=VALUE; what it wrote to stderr goes to err_text */
static char err_text[4096];

static int in_child(const char *name, const char *value, int (*run)(void))
{
    int ends[2];
    int status = 0;
    ssize_t n = 0;
    pid_t child = 0;

    err_text[0] = '\0';
    if (pipe(ends) != 0) {
        return -1;
    }
    (void)fflush(stdout);
    child = fork();
    if (child == 0) {
        (void)unsetenv("CASEMATE_EMU_QUIET");
        (void)(name != NULL && setenv(name, value, 1));
        (void)dup2(ends[1], 2);
        (void)close(ends[0]);
        _exit(run());
    }
    (void)close(ends[1]);
    while ((size_t)n < sizeof(err_text) - 1) {
        ssize_t got = read(ends[0], err_text + n, sizeof(err_text) - 1 - (size_t)n);

        if (got <= 0) {
            break;
        }
        n += got;
    }
    err_text[n] = '\0';
    (void)close(ends[0]);
    return waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* ------------------------------------------------------------------ the line */

static int open_three(void)
{
    int a = kit.open_enclave();
    int b = kit.open_enclave();

    return a >= 0 && b >= 0 && kit.close(a) == 0 && kit.open_enclave() >= 0 ? 0 : 1;
}

TEST(first_line_says_emulated_once)
{
    const char *first = NULL;

    CHECK_EQ(in_child(NULL, NULL, open_three), 0);
    first = strstr(err_text, "EMULATED");
    REQUIRE(first != NULL);
    CHECK(strstr(first + 1, "EMULATED") == NULL);
    CHECK(strchr(err_text, '\n') == err_text + strlen(err_text) - 1);
    CHECK_EQ(in_child("CASEMATE_EMU_QUIET", "1", open_three), 0);
    CHECK_STR(err_text, "");
    CHECK_EQ(in_child("CASEMATE_EMU_QUIET", "0", open_three), 0);
    CHECK(strstr(err_text, "EMULATED") != NULL);
}

static int open_refused(void)
{
    return kit.open_enclave() == -1 && errno == EIO ? 0 : 1;
}

TEST(no_platform_secret_no_device)
{
    CHECK_EQ(in_child("CASEMATE_STATE_DIR", "/proc/nowhere", open_refused), 0);
    CHECK(strstr(err_text, "/proc/nowhere") != NULL);
}

/* ------------------------------------------------------------------ hostile contents */

static uint8_t source[3 * 4096] __attribute__((aligned(4096)));

/* page 0 measured, 1-2 not: 0 = as given, 1 = page 1 and 2 hostile, 2 = anything else */
static int contents(void)
{
    struct kit_enclave e;
    struct sgx_sigstruct sig;
    uint8_t first = 0;
    size_t same = 0;

    memset(source, 0x11, sizeof(source));
    if (!kit_create(&e, MIB, NULL) || kit_add(&e, 0, source, KIT_PAGE, KIT_RW, true) != 0 ||
        kit_add(&e, KIT_PAGE, source, 2 * KIT_PAGE, KIT_RW, false) != 0 ||
        !kit_sign(&e, &sig, NULL) || kit_init(&e, &sig) != 0 ||
        kit.mmap(e.base, 3 * KIT_PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, e.fd, 0) != e.base ||
        memcmp(e.base, source, KIT_PAGE) != 0) {
        return 2;
    }
    first = e.base[KIT_PAGE];
    for (size_t i = 0; i < 2 * KIT_PAGE; i++) {
        same += e.base[KIT_PAGE + i] == first;
    }
    if (same == 2 * KIT_PAGE) {
        return first == 0x11 ? 0 : first == 0xa5 ? 1 : 2;
    }
    return same < KIT_PAGE / 8 ? 3 : 2; /* 3: looks random */
}

TEST(G1_unmeasured_pages_can_be_filled)
{
    CHECK_EQ(in_child(NULL, NULL, contents), 0);
    CHECK_EQ(in_child("CASEMATE_EMU_FILL", "a5", contents), 1);
    CHECK_EQ(in_child("CASEMATE_EMU_FILL", "random", contents), 3);
    CHECK(strstr(err_text, "CASEMATE_EMU_FILL") == NULL);
    CHECK_EQ(in_child("CASEMATE_EMU_FILL", "yes please", contents), 0);
    CHECK(strstr(err_text, "CASEMATE_EMU_FILL is ignored") != NULL);
    CHECK_EQ(in_child("CASEMATE_EMU_FILL", "zz", contents), 0);
    CHECK(strstr(err_text, "CASEMATE_EMU_FILL is ignored") != NULL);
    CHECK_EQ(in_child("CASEMATE_EMU_FILL", "", contents), 0);
}

/* ------------------------------------------------------------------ the log */

static uint8_t mrenclave[32];

static int logged(void)
{
    struct kit_enclave e;
    struct sgx_sigstruct sig;

    memset(source, 0x22, sizeof(source));
    if (!kit_create(&e, MIB, NULL) || kit_add(&e, 0, source, KIT_PAGE, KIT_RX, true) != 0 ||
        kit_add(&e, 4 * KIT_PAGE, source, 2 * KIT_PAGE, KIT_RW, false) != 0 ||
        !kit_sign(&e, &sig, NULL)) {
        return 1;
    }
    sig.q1[0] ^= 1;
    if (kit_init(&e, &sig) != EPERM) {
        return 1;
    }
    sig.q1[0] ^= 1;
    return kit_init(&e, &sig) == 0 ? 0 : 1;
}

static size_t count_lines(FILE *log, const char *start, char *last, size_t cap)
{
    char line[256];
    size_t n = 0;

    rewind(log);
    while (fgets(line, sizeof(line), log) != NULL) {
        if (strncmp(line, start, strlen(start)) == 0) {
            (void)snprintf(last, cap, "%s", line);
            n++;
        }
    }
    return n;
}

TEST(a_log_that_cannot_be_written_is_named)
{
    CHECK_EQ(in_child("CASEMATE_EMU_LOG", "/proc/nowhere/log", logged), 0);
    CHECK(strstr(err_text, "CASEMATE_EMU_LOG: No such file") != NULL);
    CHECK_EQ(in_child("CASEMATE_EMU_LOG", "", logged), 0);
    CHECK(strstr(err_text, "CASEMATE_EMU_LOG") == NULL);
}

TEST(log_holds_every_step)
{
    char path[] = "/tmp/cm_emu_log_XXXXXX";
    char line[256] = "";
    char want[256] = "EINIT result=0 mrenclave=";
    struct kit_enclave e;
    struct sgx_sigstruct sig;
    FILE *log = NULL;
    int fd = mkstemp(path);

    REQUIRE(fd >= 0);
    CHECK_EQ(in_child("CASEMATE_EMU_LOG", path, logged), 0);
    log = fdopen(fd, "r");
    REQUIRE(log != NULL);
    CHECK_EQ(count_lines(log, "ECREATE ", line, sizeof(line)), 1);
    CHECK_STR(line, "ECREATE ssaframesize=1 size=0x100000\n");
    CHECK_EQ(count_lines(log, "EADD ", line, sizeof(line)), 3);
    CHECK_STR(line, "EADD offset=0x5000 flags=0x203\n");
    CHECK_EQ(count_lines(log, "EEXTEND ", line, sizeof(line)), 16);
    CHECK(strncmp(line, "EEXTEND offset=0xf00 sha256=", 28) == 0);
    CHECK_EQ(count_lines(log, "EINIT result=8 ", line, sizeof(line)), 1);
    CHECK_EQ(count_lines(log, "EINIT result=0 ", line, sizeof(line)), 1);
    /* the same enclave again, for its measurement */
    memset(source, 0x22, sizeof(source));
    REQUIRE(kit_create(&e, MIB, NULL) && kit_add(&e, 0, source, KIT_PAGE, KIT_RX, true) == 0 &&
            kit_add(&e, 4 * KIT_PAGE, source, 2 * KIT_PAGE, KIT_RW, false) == 0 &&
            kit_sign(&e, &sig, NULL));
    memcpy(mrenclave, sig.mrenclave, 32);
    for (size_t i = 0; i < 32; i++) {
        (void)snprintf(want + strlen(want), 3, "%02x", mrenclave[i]);
    }
    line[strcspn(line, "\n")] = '\0';
    CHECK_STR(line, want);
    kit_destroy(&e);
    (void)fclose(log);
    (void)unlink(path);
}

TEST_MAIN
