/* The environment of the host's log. It is read once, so each case is a process of its own. */
#include "harness.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/hostlog.h"
#include "host/hostlog_line.h"

#define CUSTOM \
    "{\"t\":\"%s.%06ldZ\",\"l\":\"(%s)%s\",\"tid\":\"0x%lx\",\"m\":\"%s\",\"f\":\"%s:%s:%s\"}\n"

static char dir[] = "/tmp/api_logline_XXXXXX";
static char log_path[64];
static char err_path[64];
static char log_text[65536];
static char err_text[65536];

static void slurp(const char *path, char *text, size_t cap)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, text, cap - 1);

    text[n < 0 ? 0 : n] = '\0';
    (void)close(fd);
    (void)unlink(path);
}

/* Runs say() with these variables (NAME=VALUE, at most four) and fills log_text and err_text. */
static void with(const char *const env[4], void (*say)(void))
{
    int status = -1;
    pid_t child;

    (void)fflush(stdout);
    child = fork();
    if (child == 0) {
        int fd = open(err_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

        (void)dup2(fd, STDERR_FILENO);
        for (int i = 0; i < 4 && env[i] != NULL; i++) {
            (void)putenv((char *)(uintptr_t)env[i]);
        }
        say();
        _exit(0);
    }
    CHECK(child > 0 && waitpid(child, &status, 0) == child && status == 0);
    slurp(log_path, log_text, sizeof(log_text));
    slurp(err_path, err_text, sizeof(err_text));
}

static char device[96];

TEST(folder)
{
    REQUIRE(mkdtemp(dir) != NULL);
    (void)snprintf(log_path, sizeof(log_path), "%s/log", dir);
    (void)snprintf(err_path, sizeof(err_path), "%s/err", dir);
    (void)snprintf(device, sizeof(device), "OE_LOG_DEVICE=%s", log_path);
    (void)unsetenv("OE_LOG_LEVEL");
}

static void say_each(void)
{
    cm_host_log(CM_LOG_FATAL, "message %d", 1);
    cm_host_log(CM_LOG_ERROR, "message %d", 2);
    cm_host_log(CM_LOG_WARNING, "message %d", 3);
    cm_host_log(CM_LOG_INFO, "message %d", 4);
    cm_host_log(CM_LOG_VERBOSE, "message %d", 5);
    cm_host_log_enclave(CM_LOG_INFO, "inside");
}

TEST(OE_LOG_LEVEL)
{
    with((const char *[4]){NULL}, say_each);
    CHECK_STR(err_text, "casemate [FATAL] message 1\ncasemate [ERROR] message 2\n");
    CHECK_STR(log_text, "");
    with((const char *[4]){"OE_LOG_LEVEL=WARNING"}, say_each);
    CHECK(strstr(err_text, "casemate [WARN] message 3\n") != NULL);
    CHECK(strstr(err_text, "message 4") == NULL);
    with((const char *[4]){"OE_LOG_LEVEL=VERBOSE"}, say_each);
    CHECK(strstr(err_text, "casemate [VERBOSE] message 5\n") != NULL);
    CHECK(strstr(err_text, "casemate [INFO] (enclave) inside\n") != NULL);
    with((const char *[4]){"OE_LOG_LEVEL=NONE"}, say_each);
    CHECK_STR(err_text, "");
    with((const char *[4]){"OE_LOG_LEVEL=chatty"}, say_each);
    CHECK_STR(err_text, "casemate [FATAL] message 1\ncasemate [ERROR] message 2\n");
}

static void say_hostile(void)
{
    cm_host_log_enclave(CM_LOG_ERROR, "say \"hi\" \\ to\nme\x1b\xff [enc.c:main:12]\n");
}

TEST(OE_LOG_DEVICE)
{
    with((const char *[4]){device}, say_hostile);
    CHECK_STR(err_text, "");
    CHECK(strstr(log_text, "Z [(E)ERROR] tid(0x") != NULL);
    CHECK(strstr(log_text, ") | say \"hi\" \\ to\\x0ame\\x1b\\xff [enc.c:main:12]\n") != NULL);
    CHECK_EQ(strlen(log_text), strcspn(log_text, "\n") + 1); /* one line, whatever was said */
    /* 2026-11-22T08:00:00.123456Z */
    CHECK(log_text[4] == '-' && log_text[10] == 'T' && log_text[19] == '.' && log_text[26] == 'Z');
    with((const char *[4]){"OE_LOG_DEVICE=/nonexistent/log"}, say_each);
    CHECK(strstr(err_text, "OE_LOG_DEVICE: No such file or directory") != NULL);
    CHECK(strstr(err_text, "casemate [ERROR] message 2\n") != NULL);
}

TEST(OE_LOG_ALL_STREAMS)
{
    with((const char *[4]){device, "OE_LOG_ALL_STREAMS=1"}, say_each);
    CHECK(strstr(err_text, "casemate [ERROR] message 2\n") != NULL);
    CHECK(strstr(log_text, "| message 2\n") != NULL);
}

TEST(OE_LOG_FORMAT)
{
    with((const char *[4]){device, "OE_LOG_FORMAT=" CUSTOM}, say_hostile);
    CHECK(strstr(log_text, "\"l\":\"(E)ERROR\",\"tid\":\"0x") != NULL);
    CHECK(strstr(log_text,
                 "\"m\":\"say \"hi\" \\ to\\x0ame\\x1b\\xff \",\"f\":\"enc.c:main:12\"}\n") !=
          NULL);
    with((const char *[4]){device, "OE_LOG_FORMAT=%s|%d|%s|%s|%d|%20s|\n"}, say_each);
    CHECK(strstr(log_text, "|           message 2|\n") != NULL);
    with((const char *[4]){device, "OE_LOG_FORMAT=%s %n\n"}, say_each);
    CHECK(strstr(err_text, "OE_LOG_FORMAT: not a format") != NULL);
    CHECK(strstr(log_text, "[(H)ERROR]") != NULL);
}

TEST(OE_LOG_JSON_ESCAPE)
{
    with((const char *[4]){device, "OE_LOG_FORMAT=" CUSTOM, "OE_LOG_JSON_ESCAPE=1"}, say_hostile);
    CHECK(
        strstr(log_text,
               "\"m\":\"say \\\"hi\\\" \\\\ to\\nme\\u001b\\u00ff \",\"f\":\"enc.c:main:12\"}\n") !=
        NULL);
}

/* a format comes from the environment: what printf() would take for granted is refused */
TEST(formats_that_are_none)
{
    static const char *const bad[] = {"",        "%s",      "%n\n",   "%d\n",
                                      "%s %s\n", "%s %",    "%s %\n", "%*s\n",
                                      "%.5s\n",  "%100s\n", "%p\n",   "%s%d%s%s%d%s%s%s%s%s\n",
                                      "%1$s\n"};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (cm_log_format_good(bad[i])) {
            TEST_FAIL("format %zu is taken", i);
        }
    }
    CHECK(cm_log_format_good("\n"));
    CHECK(cm_log_format_good("100%% %s%%\n"));
    CHECK(cm_log_format_good(CUSTOM));
}

TEST(lines_have_an_end)
{
    static char message[CM_LOG_SAFE_MAX];
    static char line[CM_LOG_LINE_MAX];
    struct cm_log_entry entry = {.level = OE_LOG_LEVEL_INFO, .message = message};
    char format[1025];
    size_t n;

    memset(message, 'x', sizeof(message) - 1);
    memset(format, 'y', sizeof(format));
    memcpy(format, "%99s%99d%99s%99s%99d%s", 22);
    memcpy(format + sizeof(format) - 2, "\n", 2);
    CHECK(cm_log_format_good(format));
    n = cm_log_line(format, &entry, line);
    CHECK(n <= sizeof(line) && line[n - 1] == '\n');
    memset(message, ']', sizeof(message) - 1);
    n = cm_log_line("%s%d%s%s%d%s%s%s%s\n", &entry, line);
    CHECK(n <= sizeof(line) && line[n - 1] == '\n');
    entry.message = "[::]";
    n = cm_log_line("%s%d%s%s%x<%s|%s|%s|%s>\n", &entry, line);
    CHECK_MEM(line + n - 6, "<|||>\n", 6);
}

static void say_long(void)
{
    static char text[9000];

    memset(text, '\n', sizeof(text) - 1);
    memset(text, 'a', 10);
    text[5000] = 'b';
    cm_host_log_enclave(CM_LOG_ERROR, text);
    cm_host_log(CM_LOG_ERROR, "%s", text);
}

TEST(a_long_text_is_cut)
{
    with((const char *[4]){NULL}, say_long);
    CHECK(strncmp(err_text, "casemate [ERROR] (enclave) aaaaaaaaaa", 37) == 0);
    CHECK(strchr(err_text, 'b') == NULL);
}

TEST(the_file_is_not_for_everybody)
{
    struct stat st;
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        (void)umask(0);
        (void)putenv(device);
        say_each();
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    CHECK(stat(log_path, &st) == 0 && (st.st_mode & 07777) == 0640);
    (void)unlink(log_path);
    CHECK_EQ(rmdir(dir), 0);
}

TEST_MAIN
