/* Without the EDL import: ENOSYS, and one warning that names the file. */
#include "harness.h"

#include <errno.h>
#include <unistd.h>

#include "noimport_u.h"

static oe_enclave_t *enclave;

static int64_t bare(const char *name, int *error)
{
    int64_t r = -99;

    *error = 0;
    if (enclave == NULL &&
        oe_create_noimport_enclave(IMAGES "/noimport_enclave.signed", OE_ENCLAVE_TYPE_SGX,
                                   OE_ENCLAVE_FLAG_SIMULATE | OE_ENCLAVE_FLAG_DEBUG, NULL, 0,
                                   &enclave) != OE_OK) {
        return -99;
    }
    return enc_bare(enclave, &r, name, error) == OE_OK ? r : -99;
}

/* Runs the calls with stderr in a file, and says how often it then holds the text. */
static int warnings_of(const char *text, const char *const *names, size_t count)
{
    static char all[8192];
    FILE *file = tmpfile();
    int kept = dup(STDERR_FILENO);
    const char *at;
    int found = 0;
    int error = 0;
    size_t n;
    size_t i;

    if (file == NULL || kept < 0) {
        return -1;
    }
    (void)dup2(fileno(file), STDERR_FILENO);
    for (i = 0; i < count; i++) {
        CHECK_EQ(bare(names[i], &error), -1);
        CHECK_EQ(error, ENOSYS);
    }
    (void)dup2(kept, STDERR_FILENO);
    (void)close(kept);
    rewind(file);
    n = fread(all, 1, sizeof(all) - 1, file);
    all[n] = '\0';
    (void)fclose(file);
    for (at = strstr(all, text); at != NULL; at = strstr(at + 1, text)) {
        found++;
    }
    return found;
}

TEST(missing_fcntl_is_said_once)
{
    static const char *const names[] = {"open", "stat", "open"};
    int error = 0;

    CHECK_EQ(bare("load", &error), 0);
    CHECK_EQ(bare("load", &error), 0);
    CHECK_EQ(bare("mount", &error), 0);
    CHECK_EQ(warnings_of("openenclave/edl/fcntl.edl", names, 3), 1);
}

static void said_once(const char *edl, const char *call)
{
    const char *twice[2] = {call, call};

    CHECK_EQ(warnings_of(edl, twice, 2), 1);
}

TEST(missing_imports_are_said_once_each)
{
    said_once("casemate/edl/files.edl", "readlink");
    said_once("openenclave/edl/socket.edl", "socket");
    said_once("openenclave/edl/epoll.edl", "epoll");
    said_once("openenclave/edl/poll.edl", "poll");
    said_once("openenclave/edl/unistd.edl", "getppid");
    said_once("openenclave/edl/utsname.edl", "uname");
}

TEST(missing_import_is_said_to_the_callback)
{
    int error = 0;

    CHECK_EQ(bare("kill", &error), 1);
    CHECK_EQ(error, ENOSYS);
}

TEST(missing_resolver_is_a_system_error)
{
    int error = 0;

    CHECK_EQ(bare("names", &error), -1);
    CHECK_EQ(error, ENOSYS);
}

TEST(process_number_without_import)
{
    int error = 0;

    CHECK_EQ(bare("getpid", &error), 1);
    CHECK_EQ(error, 0);
}

/* what the application defines itself comes before everything else */
TEST(own_answers_come_first)
{
    int error = 0;

    CHECK_EQ(bare("own getpgrp", &error), 4711);
    CHECK_EQ(bare("own by number", &error), 4711);
    CHECK_EQ(bare("own mkdir", &error), -1);
    CHECK_EQ(error, EDQUOT);
}

TEST(console_is_always_there)
{
    int error = 0;

    CHECK_EQ(bare("console", &error), 0);
    CHECK_EQ(error, 0);
}

TEST(console_can_be_closed)
{
    int error = 0;

    CHECK_EQ(bare("closed console", &error), -1);
    CHECK_EQ(error, EBADF);
}

TEST_MAIN
