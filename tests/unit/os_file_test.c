/* Whole-file reads and atomic writes: what a failure leaves behind is nothing. */
#include "harness.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "os/os.h"

static int entries(const char *dir)
{
    DIR *d = opendir(dir);
    int n = 0;

    while (d != NULL && readdir(d) != NULL) {
        n++;
    }
    if (d != NULL) {
        (void)closedir(d);
    }
    return n - 2; /* . and .. */
}

TEST(write_then_read_back)
{
    char dir[] = "/tmp/cm_os_test_XXXXXX";
    char path[64] = "";
    uint8_t *got = NULL;
    size_t len = 0;
    struct cm_why why = {{0}};

    REQUIRE(mkdtemp(dir) != NULL);
    (void)snprintf(path, sizeof(path), "%s/f", dir);
    CHECK_EQ(cm_file_write_atomic(path, cm_span_make("abc", 3), 0600, &why), CM_OK);
    CHECK_EQ(cm_file_write_atomic(path, cm_span_make("defg", 4), 0600, &why), CM_OK);
    CHECK_EQ(cm_file_read(path, 100, &got, &len, &why), CM_OK);
    REQUIRE(got != NULL);
    CHECK_EQ(len, 4);
    CHECK_STR((const char *)got, "defg");
    free(got);
    got = NULL;
    CHECK_EQ(cm_file_read(path, 3, &got, &len, &why), CM_ERR_LIMIT);
    CHECK(got == NULL);
    CHECK_EQ(entries(dir), 1);
    (void)unlink(path);
    (void)rmdir(dir);
}

TEST(only_the_first_creates)
{
    char dir[] = "/tmp/cm_os_test_XXXXXX";
    char path[64] = "";
    uint8_t *got = NULL;
    size_t len = 0;
    struct stat sb;
    struct cm_why why = {{0}};

    REQUIRE(mkdtemp(dir) != NULL);
    (void)snprintf(path, sizeof(path), "%s/f", dir);
    CHECK_EQ(cm_file_create_once(path, cm_span_make("first", 5), 0600, &why), CM_OK);
    CHECK_EQ(cm_file_create_once(path, cm_span_make("second", 6), 0600, &why), CM_OK);
    CHECK(stat(path, &sb) == 0 && (sb.st_mode & 07777) == 0600);
    REQUIRE(cm_file_read(path, 100, &got, &len, &why) == CM_OK);
    CHECK_STR((const char *)got, "first");
    CHECK_EQ(entries(dir), 1);
    free(got);
    (void)unlink(path);
    (void)snprintf(path, sizeof(path), "%s/absent/f", dir);
    CHECK_EQ(cm_file_create_once(path, cm_span_make("x", 1), 0600, &why), CM_ERR_IO);
    CHECK_EQ(entries(dir), 0);
    (void)rmdir(dir);
}

TEST(failed_write_leaves_nothing)
{
    char dir[] = "/tmp/cm_os_test_XXXXXX";
    char path[64] = "";
    struct cm_why why = {{0}};

    REQUIRE(mkdtemp(dir) != NULL);
    (void)snprintf(path, sizeof(path), "%s/sub", dir);
    REQUIRE(mkdir(path, 0700) == 0);
    /* a folder cannot be replaced by a file: the rename fails after the data were written */
    CHECK_EQ(cm_file_write_atomic(path, cm_span_make("abc", 3), 0600, &why), CM_ERR_IO);
    CHECK(why.text[0] != '\0');
    CHECK_EQ(entries(dir), 1);
    (void)rmdir(path);
    (void)rmdir(dir);
}

/* A writer that is interrupted again and again: each time the whole file, and nothing beside it. */
TEST(a_file_beyond_the_limit_is_an_error_and_no_signal)
{
    static const uint8_t big[8192];
    char dir[] = "/tmp/cm_os_test_XXXXXX";
    char path[64] = "";
    int status = -1;
    pid_t child = 0;

    REQUIRE(mkdtemp(dir) != NULL);
    (void)snprintf(path, sizeof(path), "%s/f", dir);
    child = fork();
    if (child == 0) {
        struct rlimit limit = {4096, 4096};
        struct cm_why why = {{0}};
        int bad = setrlimit(RLIMIT_FSIZE, &limit);

        bad |= cm_file_write_atomic(path, cm_span_make(big, sizeof(big)), 0600, &why) != CM_ERR_IO;
        bad |= strstr(why.text, "File too large") == NULL;
        bad |= cm_file_write_atomic(path, cm_span_make(big, 4096), 0600, NULL) != CM_OK;
        _exit(bad);
    }
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK_EQ(entries(dir), 1);
    (void)unlink(path);
    (void)rmdir(dir);
}

TEST(an_interrupt_leaves_no_temporary_file)
{
    const size_t size = 16u << 20;
    char dir[] = "/tmp/cm_os_test_XXXXXX";
    char path[64] = "";
    uint8_t *data = calloc(1, size);
    struct stat sb;

    REQUIRE(data != NULL && mkdtemp(dir) != NULL);
    (void)snprintf(path, sizeof(path), "%s/f", dir);
    CHECK_EQ(cm_file_write_atomic(path, cm_span_make(data, size), 0600, NULL), CM_OK);
    for (int round = 0; round < 8; round++) {
        const struct timespec pause = {0, 3000000 + round * 1700000};
        int status = 0;
        pid_t child = fork();

        if (child == 0) {
            for (;;) {
                if (cm_file_write_atomic(path, cm_span_make(data, size), 0600, NULL) != CM_OK) {
                    _exit(1);
                }
            }
        }
        REQUIRE(child > 0);
        (void)nanosleep(&pause, NULL);
        (void)kill(child, SIGINT);
        REQUIRE(waitpid(child, &status, 0) == child);
        CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
        CHECK_EQ(entries(dir), 1);
        CHECK(stat(path, &sb) == 0 && (size_t)sb.st_size == size);
    }
    (void)unlink(path);
    (void)rmdir(dir);
    free(data);
}

/* Nobody writes into the pipe: the answer must come at once all the same. */
TEST(a_pipe_is_refused_and_not_waited_for)
{
    char dir[] = "/tmp/cm_os_test_XXXXXX";
    char path[64] = "";
    uint8_t *got = NULL;
    size_t len = 0;
    struct cm_why why = {{0}};

    REQUIRE(mkdtemp(dir) != NULL);
    (void)snprintf(path, sizeof(path), "%s/pipe", dir);
    REQUIRE(mkfifo(path, 0600) == 0);
    (void)alarm(20); /* ends the program where it hangs */
    CHECK_EQ(cm_file_read(path, 100, &got, &len, &why), CM_ERR_IO);
    (void)alarm(0);
    CHECK(strstr(why.text, "not a regular file") != NULL);
    CHECK(got == NULL);
    (void)unlink(path);
    (void)rmdir(dir);
}

TEST(the_mode_is_under_the_umask)
{
    char dir[] = "/tmp/cm_os_test_XXXXXX";
    char path[64] = "";
    struct stat sb;
    const mode_t before = umask(027);

    REQUIRE(mkdtemp(dir) != NULL);
    (void)snprintf(path, sizeof(path), "%s/f", dir);
    for (int round = 0; round < 2; round++) { /* a new file, and one that is replaced */
        CHECK_EQ(cm_file_write_atomic(path, cm_span_make("abc", 3), 0666, NULL), CM_OK);
        CHECK(stat(path, &sb) == 0 && (sb.st_mode & 07777) == 0640);
    }
    CHECK_EQ(cm_file_write_atomic(path, cm_span_make("abc", 3), 0600, NULL), CM_OK);
    CHECK(stat(path, &sb) == 0 && (sb.st_mode & 07777) == 0600);
    (void)umask(before);
    (void)unlink(path);
    (void)rmdir(dir);
}

/* A writer that is killed leaves the whole file or none, and never a name beside it. */
TEST(a_kill_leaves_no_temporary_file)
{
    const size_t size = 16u << 20;
    char dir[] = "/tmp/cm_os_test_XXXXXX";
    char path[64] = "";
    uint8_t *data = calloc(1, size);
    int nameless = -1;

    REQUIRE(data != NULL && mkdtemp(dir) != NULL);
    (void)snprintf(path, sizeof(path), "%s/f", dir);
    nameless = open(dir, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
    if (nameless < 0) {
        free(data);
        (void)rmdir(dir);
        SKIP("this file system has no files without a name");
    }
    (void)close(nameless);
    for (int round = 0; round < 12; round++) {
        const struct timespec pause = {0, 2000000 + round * 1300000};
        int status = 0;
        struct stat sb;
        pid_t child = fork();

        if (child == 0) {
            for (;;) {
                if (cm_file_write_atomic(path, cm_span_make(data, size), 0600, NULL) != CM_OK) {
                    _exit(1);
                }
                (void)unlink(path);
            }
        }
        REQUIRE(child > 0);
        (void)nanosleep(&pause, NULL);
        CHECK(kill(child, SIGKILL) == 0);
        CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status));
        if (stat(path, &sb) == 0) {
            CHECK_EQ(sb.st_size, size);
            (void)unlink(path);
        }
        CHECK_EQ(entries(dir), 0);
    }
    free(data);
    (void)rmdir(dir);
}

TEST(devices_pipes_and_links_are_not_replaced)
{
    char dir[] = "/tmp/cm_os_test_XXXXXX";
    char file[64] = "";
    char link_name[64] = "";
    char fifo[64] = "";
    struct stat sb;
    struct cm_why why = {{0}};
    char got[4] = "";
    int fd = -1;

    REQUIRE(mkdtemp(dir) != NULL);
    (void)snprintf(file, sizeof(file), "%s/file", dir);
    (void)snprintf(link_name, sizeof(link_name), "%s/link", dir);
    (void)snprintf(fifo, sizeof(fifo), "%s/fifo", dir);
    REQUIRE(symlink("file", link_name) == 0 && mkfifo(fifo, 0600) == 0);
    CHECK_EQ(cm_file_write_atomic(link_name, cm_span_make("x", 1), 0600, &why), CM_ERR_IO);
    CHECK(strstr(why.text, "leads nowhere") != NULL);
    CHECK_EQ(cm_file_write_atomic(file, cm_span_make("old", 3), 0600, NULL), CM_OK);
    CHECK_EQ(cm_file_write_atomic(link_name, cm_span_make("new", 3), 0600, NULL), CM_OK);
    CHECK(lstat(link_name, &sb) == 0 && S_ISLNK(sb.st_mode));
    CHECK(stat(file, &sb) == 0 && sb.st_size == 3);
    CHECK(cm_file_same(file, link_name));
    CHECK(!cm_file_same(file, fifo));
    CHECK(!cm_file_same(file, "/nonexistent/x"));
    fd = open(fifo, O_RDWR | O_NONBLOCK);
    REQUIRE(fd >= 0);
    CHECK_EQ(cm_file_write_atomic(fifo, cm_span_make("abc", 3), 0600, NULL), CM_OK);
    CHECK(lstat(fifo, &sb) == 0 && S_ISFIFO(sb.st_mode));
    CHECK_EQ(read(fd, got, 3), 3);
    CHECK_STR(got, "abc");
    (void)close(fd);
    CHECK_EQ(entries(dir), 3);
    (void)unlink(fifo);
    (void)unlink(link_name);
    (void)unlink(file);
    (void)rmdir(dir);
}

TEST(absent_file_and_folder_are_named)
{
    uint8_t *got = NULL;
    size_t len = 0;
    struct cm_why why = {{0}};

    CHECK_EQ(cm_file_read("/nonexistent/x", 10, &got, &len, &why), CM_ERR_NOTFOUND);
    CHECK(strstr(why.text, "/nonexistent/x") != NULL);
    CHECK_EQ(cm_file_read("/tmp", 10, &got, &len, NULL), CM_ERR_IO);
}

TEST(a_private_file_is_read_only_where_it_is_private)
{
    char dir[] = "/tmp/cm_os_test_XXXXXX";
    const struct cm_span data = {(const uint8_t *)"secret", 6};
    char path[64] = "";
    char other[64] = "";
    uint8_t *got = NULL;
    size_t len = 0;
    struct cm_why why = {{0}};

    REQUIRE(mkdtemp(dir) != NULL);
    (void)snprintf(path, sizeof(path), "%s/file", dir);
    (void)snprintf(other, sizeof(other), "%s/other", dir);
    CHECK_EQ(cm_file_read_private(path, 10, &got, &len, NULL), CM_ERR_NOTFOUND);
    REQUIRE(cm_file_write_atomic(path, data, 0600, NULL) == CM_OK);
    CHECK_EQ(cm_file_read_private(path, 5, &got, &len, NULL), CM_ERR_LIMIT);
    REQUIRE(cm_file_read_private(path, 6, &got, &len, NULL) == CM_OK);
    CHECK_EQ(len, 6);
    CHECK_MEM(got, "secret", 7);
    free(got);
    REQUIRE(symlink(path, other) == 0); /* whoever made the link chose what is read */
    CHECK_EQ(cm_file_read_private(other, 10, &got, &len, &why), CM_ERR_DENIED);
    CHECK(strstr(why.text, "0600") != NULL);
    CHECK_EQ(unlink(other), 0);
    for (mode_t open_to = 01; open_to < 0100; open_to <<= 1) {
        REQUIRE(chmod(path, 0600 | open_to) == 0);
        CHECK_EQ(cm_file_read_private(path, 10, &got, &len, NULL), CM_ERR_DENIED);
    }
    CHECK_EQ(cm_file_read_private(dir, 10, &got, &len, NULL), CM_ERR_DENIED);
    REQUIRE(unlink(path) == 0 && mkfifo(path, 0600) == 0);
    CHECK_EQ(cm_file_read_private(path, 10, &got, &len, NULL), CM_ERR_DENIED);
    if (geteuid() == 0) { /* only root can give a file away */
        REQUIRE(unlink(path) == 0 && cm_file_write_atomic(path, data, 0600, NULL) == CM_OK &&
                chown(path, 12345, 12345) == 0);
        CHECK_EQ(cm_file_read_private(path, 10, &got, &len, NULL), CM_ERR_DENIED);
    }
    CHECK_EQ(unlink(path), 0);
    CHECK_EQ(rmdir(dir), 0);
}

TEST(state_folder_open_to_others_is_refused)
{
    char dir[] = "/tmp/cm_os_test_XXXXXX";
    char out[256] = "";
    struct cm_why why = {{0}};

    REQUIRE(mkdtemp(dir) != NULL);
    REQUIRE(setenv("CASEMATE_STATE_DIR", dir, 1) == 0);
    CHECK_EQ(cm_state_dir(out, sizeof(out), &why), CM_OK);
    CHECK_STR(out, dir);
    REQUIRE(chmod(dir, 0722) == 0);
    CHECK_EQ(cm_state_dir(out, sizeof(out), &why), CM_ERR_DENIED);
    (void)unsetenv("CASEMATE_STATE_DIR");
    (void)rmdir(dir);
}

TEST_MAIN
