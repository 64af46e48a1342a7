/* Counting with ptrace; see syscount.h. Each system call stops the child twice. */
#include "syscount.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

static void child(void *(*prepare)(void), void (*body)(void *))
{
    void *arg = prepare != NULL ? prepare() : NULL;

    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0) {
        _exit(1);
    }
    (void)raise(SIGSTOP);
    (void)syscall(SYS_getppid); /* the mark before */
    body(arg);
    (void)syscall(SYS_getppid); /* and behind */
    _exit(0);
}

long cm_syscalls_of(void *(*prepare)(void), void (*body)(void *))
{
    struct user_regs_struct regs;
    bool counting = false;
    bool entry = false;
    long count = 0;
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        child(prepare, body);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status) ||
        ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL) != 0) {
        return -1;
    }
    for (int deliver = 0;;) {
        if (ptrace(PTRACE_SYSCALL, pid, NULL, (uintptr_t)deliver) != 0 ||
            waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status)) {
            return -1; /* it ended before the second mark */
        }
        deliver = 0;
        if (WSTOPSIG(status) != (SIGTRAP | 0x80)) {
            deliver = WSTOPSIG(status) == SIGSTOP ? 0 : WSTOPSIG(status);
            continue;
        }
        entry = !entry;
        if (!entry || ptrace(PTRACE_GETREGS, pid, NULL, &regs) != 0) {
            continue;
        }
        if (regs.orig_rax == SYS_getppid) {
            if (counting) {
                (void)kill(pid, SIGKILL);
                (void)waitpid(pid, &status, 0);
                return count;
            }
            counting = true;
        } else if (counting) {
            count++;
        }
    }
}
