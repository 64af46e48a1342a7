/*
 * Memory that runs out inside a signed enclave: each allocation of each ecall fails in turn, alone and
 * with all later ones. The call ends in an error or does without; nothing is lost, nothing breaks.
 */
#include "harness.h"

#include <openenclave/host.h>

#include <fcntl.h>
#include <unistd.h>

#include "oom_u.h"

enum { LEAVES = 3, VALUES = 200, BIG = 20000, STEPS_MAX = 20000 };

static oe_enclave_t *e;
static bool all_fail; /* as armed */

uint64_t oom_host_deep(oom_tree *t, const char *text)
{
    for (size_t i = 0; i < t->n; i++) {
        for (size_t k = 0; k < t->leaves[i].n; k++) {
            t->leaves[i].values[k]++;
        }
    }
    return strlen(text);
}

static void tree_free(oom_tree *t)
{
    for (size_t i = 0; t->leaves != NULL && i < t->n; i++) {
        free(t->leaves[i].values);
    }
    free(t->leaves);
    memset(t, 0, sizeof(*t));
}

static void tree_make(oom_tree *t)
{
    t->n = LEAVES;
    t->leaves = calloc(LEAVES, sizeof(*t->leaves));
    for (size_t i = 0; i < LEAVES && t->leaves != NULL; i++) {
        t->leaves[i].n = VALUES;
        t->leaves[i].values = calloc(VALUES, sizeof(uint32_t));
    }
}

void oom_host_make(oom_tree *t)
{
    tree_make(t);
}

void oom_host_bytes(const uint8_t *in, uint8_t *out, size_t n)
{
    memcpy(out, in, n);
}

void oom_host_back(void)
{
}

/* --------------------------------------------------------------------- the ecalls */

static oe_result_t run_deep(int *failed)
{
    oom_tree t = {0, NULL};
    oom_tree made = {0, NULL};
    static uint8_t big[BIG];
    oe_result_t r;

    tree_make(&t);
    r = oom_deep(e, failed, &t, "twelve chars", big, sizeof(big), &made);
    if (r == OE_OK) {
        CHECK_EQ(t.leaves[LEAVES - 1].values[VALUES - 1], 12);
        CHECK(big[0] == 0x5a && big[BIG - 1] == 0x5a);
        CHECK_EQ(made.leaves == NULL, *failed);
    } else {
        CHECK(made.leaves == NULL);
        CHECK_EQ(t.leaves[0].values[0], 0);
    }
    tree_free(&t);
    tree_free(&made);
    return r;
}

static oe_result_t run_ocalls(int *failed)
{
    return oom_ocalls(e, failed, 5000);
}

static oe_result_t run_large_ocalls(int *failed)
{
    return oom_ocalls(e, failed, 200000); /* more than any arena */
}

static oe_result_t run_locals(int *failed)
{
    return oom_locals(e, failed);
}

static oe_result_t run_streams(int *failed)
{
    return oom_streams(e, failed);
}

static oe_result_t run_crypto(int *failed)
{
    return oom_crypto(e, failed);
}

static int open_descriptors(void)
{
    int n = 0;

    for (int fd = 0; fd < 1024; fd++) {
        n += fcntl(fd, F_GETFD) != -1;
    }
    return n;
}

static oe_result_t run_calls(int *failed)
{
    char folder[] = "/tmp/cm-oom-XXXXXX";
    char file[sizeof(folder) + 5];
    const int before = open_descriptors();
    bool open_left = false;
    oe_result_t r;

    if (mkdtemp(folder) == NULL) {
        return OE_FAILURE;
    }
    r = oom_calls(e, failed, folder, &open_left);
    if (*failed < 0) {
        TEST_FAIL("errno %d is not ENOMEM", -*failed);
    }
    CHECK(all_fail || open_descriptors() == before + open_left);
    (void)snprintf(file, sizeof(file), "%s/file", folder);
    (void)unlink(file); /* left by an unlink that failed */
    (void)snprintf(file, sizeof(file), "%s/link", folder);
    (void)unlink(file);
    CHECK_EQ(rmdir(folder), 0);
    return r;
}

static oe_result_t run_protected(int *failed)
{
    char folder[32] = "/dev/shm/cm-oom-XXXXXX"; /* hundreds of files are synced */
    char command[64];
    oe_result_t r;

    if (access("/dev/shm", W_OK) != 0) {
        (void)snprintf(folder, sizeof(folder), "/tmp/cm-oom-XXXXXX");
    }
    if (mkdtemp(folder) == NULL) {
        return OE_FAILURE;
    }
    r = oom_protected(e, failed, folder);
    if (*failed < 0) {
        TEST_FAIL("errno %d is not ENOMEM", -*failed);
    }
    (void)snprintf(command, sizeof(command), "rm -r %s",
                   folder); /* what was being made may be left */
    CHECK_EQ(system(command), 0);
    return r;
}

/* One ecall with the k-th allocation failing; false when it makes fewer than k. */
static bool step(oe_result_t (*run)(int *), uint64_t k, bool all, uint64_t live)
{
    uint64_t now = 0;
    bool hit = false;
    int failed = 0;
    oe_result_t r;

    all_fail = all;
    CHECK_EQ(oom_arm(e, k, all), OE_OK);
    r = run(&failed);
    CHECK_EQ(oom_state(e, &hit, &now), OE_OK);
    if (r != OE_OK && r != OE_OUT_OF_MEMORY) {
        TEST_FAIL("allocation %llu: %s", (unsigned long long)k, oe_result_str(r));
    }
    if (!hit && (r != OE_OK || failed != 0)) {
        TEST_FAIL("without a failed allocation: %s, %d", oe_result_str(r), failed);
    }
    if (now != live) {
        TEST_FAIL("allocation %llu%s: %lld blocks are lost", (unsigned long long)k,
                  all ? " and later" : "", (long long)(now - live));
    }
    return hit;
}

/* `least`: of the ecall's allocations, so that the test notices when it tests nothing any more */
static void enumerate(oe_result_t (*run)(int *), uint64_t least)
{
    uint64_t live = 0;
    bool hit = false;
    int failed = 1;

    e = NULL;
    REQUIRE(oe_create_oom_enclave(OOM_IMAGE, OE_ENCLAVE_TYPE_SGX,
                                  OE_ENCLAVE_FLAG_DEBUG | OE_ENCLAVE_FLAG_SIMULATE, NULL, 0,
                                  &e) == OE_OK);
    /* the first time builds what stays: tables of OpenSSL, the thread's marshalling memory */
    CHECK_EQ(run(&failed), OE_OK);
    CHECK_EQ(failed, 0);
    CHECK_EQ(oom_state(e, &hit, &live), OE_OK);
    for (int all = 0; all < 2; all++) {
        uint64_t k = 1;

        while (k < STEPS_MAX && step(run, k, all != 0, live)) {
            k++;
        }
        CHECK(k > least && k < STEPS_MAX);
    }
    CHECK_EQ(run(&failed), OE_OK);
    CHECK_EQ(failed, 0);
    CHECK_EQ(oe_terminate_enclave(e), OE_OK);
}

TEST(out_of_memory_at_every_allocation_of_a_deep_copy)
{
    enumerate(run_deep, 6);
}

TEST(out_of_memory_at_every_allocation_of_ocalls)
{
    enumerate(run_ocalls, 14);
    enumerate(run_large_ocalls, 14);
}

TEST(out_of_memory_at_every_allocation_of_a_thread)
{
    enumerate(run_locals, 1);
}

TEST(out_of_memory_at_every_allocation_of_streams)
{
    enumerate(run_streams, 3);
}

TEST(out_of_memory_at_every_allocation_of_crypto)
{
    enumerate(run_crypto, 250);
}

TEST(out_of_memory_at_every_allocation_of_calls_to_the_host)
{
    enumerate(run_calls, 60);
}

TEST(out_of_memory_at_every_allocation_of_protected_files)
{
    enumerate(run_protected, 100);
}

/* In a fresh enclave each time: where tables and the thread's marshalling memory are made. */
static bool first_call(oe_result_t (*run)(int *), uint64_t k)
{
    uint64_t now = 0;
    bool hit = false;
    int failed = 0;
    oe_result_t r;

    if (oe_create_oom_enclave(OOM_IMAGE, OE_ENCLAVE_TYPE_SGX,
                              OE_ENCLAVE_FLAG_DEBUG | OE_ENCLAVE_FLAG_SIMULATE, NULL, 0,
                              &e) != OE_OK) {
        TEST_FAIL("no enclave for allocation %llu", (unsigned long long)k);
        return false;
    }
    all_fail = false;
    CHECK_EQ(oom_arm(e, k, false), OE_OK);
    r = run(&failed);
    CHECK(r == OE_OK || r == OE_OUT_OF_MEMORY);
    CHECK_EQ(oom_state(e, &hit, &now), OE_OK);
    CHECK_EQ(run(&failed), OE_OK);
    CHECK_EQ(failed, 0);
    CHECK_EQ(oe_terminate_enclave(e), OE_OK);
    return hit;
}

TEST(out_of_memory_at_every_allocation_of_a_first_call)
{
    static oe_result_t (*const runs[])(int *) = {run_deep, run_large_ocalls, run_locals,
                                                 run_streams, run_calls};

    for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++) {
        uint64_t k = 1;

        while (k < STEPS_MAX && first_call(runs[i], k)) {
            k++;
        }
        CHECK(k > 1 && k < STEPS_MAX);
    }
}

TEST_MAIN
