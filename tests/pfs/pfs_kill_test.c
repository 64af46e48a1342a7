/*
 * A host that is killed in the midst of what its enclave writes: the file holds one generation, all of
 * it, and none that is older than the last one that was committed.
 */
#include "harness.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <casemate/pfs.h>

#include "pfs_kit.h"

enum { BLOCKS = 40, KILLS = 12, WORDS = 4096 / sizeof(uint64_t) };

static int tell = -1;

void pfs_committed(uint64_t generation)
{
    if (write(tell, &generation, sizeof(generation)) != (ssize_t)sizeof(generation)) {
        _exit(9);
    }
}

/* The process that will be killed. */
static _Noreturn void scribble(const char *folder, uint64_t first)
{
    oe_enclave_t *e = kit_enclave(false); /* the parent never made this one */
    int64_t r = 0;

    if (e == NULL || kit_mount(e, folder, CM_PFS_KEY_GIVEN, 5, "", 0) != 0) {
        _exit(7);
    }
    (void)pfs_scribble(e, &r, "/p/f", BLOCKS, first);
    (void)printf("  scribbling ended: %lld\n", (long long)r);
    _exit(8);
}

/* Kills one after some commits and some time, and says what it committed last. */
static bool kill_one(const char *folder, uint64_t first, unsigned commits, unsigned us,
                     uint64_t *last)
{
    int ends[2];
    int status = 0;
    pid_t child;

    if (pipe(ends) != 0) {
        return false;
    }
    child = fork();
    if (child == 0) {
        (void)close(ends[0]);
        tell = ends[1];
        scribble(folder, first);
    }
    (void)close(ends[1]);
    for (unsigned i = 0; i < commits; i++) {
        if (read(ends[0], last, sizeof(*last)) != (ssize_t)sizeof(*last)) {
            break;
        }
    }
    (void)usleep(us);
    (void)kill(child, SIGKILL);
    while (read(ends[0], last, sizeof(*last)) == (ssize_t)sizeof(*last)) {
    }
    (void)close(ends[0]);
    return waitpid(child, &status, 0) == child && WIFSIGNALED(status) &&
           WTERMSIG(status) == SIGKILL;
}

/* The one generation that is in the file; 0 when there are several, or when it cannot be read. */
static uint64_t generation_in(oe_enclave_t *e, const char *folder)
{
    static uint64_t words[BLOCKS * WORDS];
    int64_t r = 0;

    CHECK_EQ(kit_mount(e, folder, CM_PFS_KEY_GIVEN, 5, "", 0), 0);
    CHECK_EQ(pfs_get(e, &r, "/p/f", (uint8_t *)words, sizeof(words), 0), OE_OK);
    CHECK_EQ(kit_call(e, "umount", "", ""), 0);
    if (r != (int64_t)sizeof(words)) {
        TEST_FAIL("reading gives %lld", (long long)r);
        return 0;
    }
    for (size_t i = 1; i < BLOCKS * WORDS; i++) {
        if (words[i] != words[0]) {
            TEST_FAIL("generation %llu, and at %zu %llu", (unsigned long long)words[0], i,
                      (unsigned long long)words[i]);
            return 0;
        }
    }
    return words[0];
}

TEST(killed_while_it_writes)
{
    char folder[64];
    uint64_t found = 0;
    uint64_t last = 0;

    REQUIRE(kit_folder(folder));
    for (unsigned i = 0; i < KILLS && test_failed_checks == 0; i++) {
        CHECK(kill_one(folder, found + 1, 1 + i % 5, i * 137 % 900, &last));
        found = generation_in(kit_enclave(true), folder);
        CHECK(found == last || found == last + 1);
    }
    CHECK(last > KILLS);
    kit_remove(folder);
}

TEST_MAIN
