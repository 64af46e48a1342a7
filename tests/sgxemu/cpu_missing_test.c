/*
 * Machines that lack what the emulator wants: what is refused, with which words, and what runs all
 * the same. Each case is a child in which the processor or the kernel says no, before the emulator
 * first asks: the kernel by a seccomp filter, the processor by the auxiliary vector that we show.
 */
#include "harness.h"

#include <casemate/sgxemu.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cpu_kit.h"

#ifndef HWCAP2_FSGSBASE
#define HWCAP2_FSGSBASE 2ul
#endif
#define SUD_PRCTL 59 /* PR_SET_SYSCALL_USER_DISPATCH */

/* ------------------------------------------------------------------ what is missing */

static bool no_fsgsbase;

unsigned long __real_getauxval(unsigned long type);
unsigned long __wrap_getauxval(unsigned long type);
unsigned long __wrap_getauxval(unsigned long type)
{
    unsigned long value = __real_getauxval(type);

    return type == AT_HWCAP2 && no_fsgsbase ? value & ~HWCAP2_FSGSBASE : value;
}

/* From now on this process gets `err` for the system call `nr`, when its first argument is `arg`. */
static bool forbid(unsigned nr, bool any_arg, unsigned arg, unsigned err)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
        BPF_JUMP(BPF_JMP | (any_arg ? BPF_JGE : BPF_JEQ) | BPF_K, any_arg ? 0 : arg, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | err),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof(code) / sizeof(code[0]), code};

    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
}

static bool no_dispatch(void)
{
    return forbid(SYS_prctl, false, SUD_PRCTL, EINVAL); /* as Linux before 5.11 */
}

static bool no_ldt(void)
{
    return forbid(SYS_modify_ldt, true, 0, ENOSYS); /* as without CONFIG_MODIFY_LDT_SYSCALL */
}

/* Run in a child: 0 good, 77 cannot be tried here, anything else where it failed. */
static int in_child(const char *words, int (*run)(void))
{
    int status = 0;
    pid_t child = 0;

    (void)fflush(stdout);
    child = fork();
    if (child == 0) {
        (void)setenv("CASEMATE_SGXEMU", words, 1);
        status = run();
        (void)fflush(stdout);
        _exit(status);
    }
    if (waitpid(child, &status, 0) != child || !WIFEXITED(status)) {
        return -1;
    }
    return WEXITSTATUS(status);
}

/* ------------------------------------------------------------------ refusals */

static int refused_with(const char *text)
{
    struct cm_why why = {{0}};

    if (cm_sgxemu_device(&why) != NULL || strstr(why.text, text) == NULL) {
        (void)printf("  not refused, or not for %s: %s\n", text, why.text);
        return 1;
    }
    /* a second caller hears it, too */
    memset(&why, 0, sizeof(why));
    return cm_sgxemu_device(&why) == NULL && strstr(why.text, text) != NULL ? 0 : 2;
}

static int without_fsgsbase(void)
{
    no_fsgsbase = true;
    return refused_with("FSGSBASE");
}

static int without_dispatch(void)
{
    return no_dispatch() ? refused_with("Syscall User Dispatch") : 77;
}

TEST(without_fsgsbase_there_is_no_device)
{
    CHECK_EQ(in_child("", without_fsgsbase), 0);
    CHECK_EQ(in_child("unchecked", without_fsgsbase), 0); /* nothing makes up for it */
}

TEST(without_syscall_user_dispatch_there_is_no_device)
{
    int rc = in_child("", without_dispatch);

    if (rc == 77) {
        SKIP("no seccomp filters here");
    }
    CHECK_EQ(rc, 0);
    CHECK_EQ(in_child("noldt", without_dispatch), 0);
}

/* ------------------------------------------------------------------ what runs all the same */

/* calls, faults inside and back, leaves: 0 or the step that failed */
static int enclave_works(struct kit_enclave *e)
{
    struct sgx_enclave_run run;
    struct sgx_enclave_run fix;
    uint64_t count = 0;
    uint64_t before = 0;

    if (!cpu_build(e, NULL)) {
        return 10;
    }
    for (int i = 0; i < 100; i++) {
        before = count;
        if (!cpu_ok(cpu_call(e, 0, OP_COUNT, 0, (uint64_t)(uintptr_t)&count, &run), &run) ||
            (i != 0 && count != before + 1)) {
            return 11;
        }
    }
    if (cpu_call(e, 0, OP_UD2, 0, 0, &run) != 0 || run.exception_vector != SGX_VEC_UD ||
        !cpu_ok(cpu_call(e, 0, 0, 2, 0, &fix), &fix) || !cpu_ok(cpu_resume(e, 0, &run), &run)) {
        return 12;
    }
    return 0;
}

static int runs_without_ldt(void)
{
    struct kit_enclave e;

    return no_ldt() ? enclave_works(&e) : 77;
}

/* system calls inside: #UD with dispatch; without, the word unchecked lets them happen */
static int syscall_is_ud(void)
{
    struct kit_enclave e;
    struct sgx_enclave_run run;
    int rc = enclave_works(&e);

    if (rc != 0) {
        return rc;
    }
    return cpu_call(&e, 0, OP_SYSCALL, 0, 0, &run) == 0 && run.function == SGX_ERESUME &&
                   run.exception_vector == SGX_VEC_UD
               ? 0
               : 20;
}

static int syscall_is_run(void)
{
    struct kit_enclave e;
    struct sgx_enclave_run run;
    int rc = enclave_works(&e);

    if (rc != 0) {
        return rc;
    }
    return cpu_ok(cpu_call(&e, 0, OP_SYSCALL, 0, 0, &run), &run) ? 0 : 21;
}

static int unchecked_without_dispatch(void)
{
    return no_dispatch() ? syscall_is_run() : 77;
}

static int nothing_but_fsgsbase(void)
{
    return no_dispatch() && no_ldt() ? syscall_is_run() : 77;
}

TEST(without_modify_ldt_enclaves_run_by_signals)
{
    int rc = in_child("", runs_without_ldt);

    if (rc == 77) {
        SKIP("no seccomp filters here");
    }
    CHECK_EQ(rc, 0);
    CHECK_EQ(in_child("nopatch", runs_without_ldt), 0);
}

TEST(unchecked_runs_system_calls_and_only_that)
{
    CHECK_EQ(in_child("", syscall_is_ud), 0);
    CHECK_EQ(in_child("noldt", syscall_is_ud), 0);
    CHECK_EQ(in_child("unchecked", syscall_is_run), 0); /* asked for, though dispatch is there */
    if (in_child("unchecked", unchecked_without_dispatch) == 77) {
        SKIP("no seccomp filters here");
    }
    CHECK_EQ(in_child("unchecked", unchecked_without_dispatch), 0);
    CHECK_EQ(in_child("unchecked", nothing_but_fsgsbase), 0);
}

/* a word that nobody knows is said, and does not become another */
TEST(unknown_words_change_nothing)
{
    CHECK_EQ(in_child("uncheckedd,un", syscall_is_ud), 0);
}

TEST_MAIN
