/* Images that must be noticed: by the loader when they run, by the instruction check before. */
#include <sys/syscall.h>

#include "inside_case.h"

static int stray_syscall(unsigned thread, unsigned threads)
{
    long r;

    (void)thread;
    (void)threads;
    __asm__ volatile("syscall" : "=a"(r) : "a"(SYS_getpid) : "rcx", "r11", "memory");
    return r == 0;
}

static int stray_rdtsc(unsigned thread, unsigned threads)
{
    (void)thread;
    (void)threads;
    __asm__ volatile("rdtsc" : : : "rax", "rdx");
    return 0;
}

const struct cm_case cm_cases[] = {
    {"stray_syscall", stray_syscall},
    {"stray_rdtsc", stray_rdtsc},
    {NULL, NULL},
};
