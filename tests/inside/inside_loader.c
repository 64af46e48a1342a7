/*
 * Runs an image of enclave code in this process, with every system call that the image itself makes
 * ending the test (Syscall User Dispatch), and RDTSC faulting.
 *
 *   inside_loader IMAGE CASE THREADS [spurious]
 *
 * spurious: the host is hostile in the way of row D5; sleeping threads wake for no reason, at once.
 * Exit code: 0 the case passed; 1 it failed; 99 forbidden instruction; 77 this kernel cannot check.
 */
#include <cpuid.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "inside_boot.h"

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#endif

#define MAX_THREADS 16
#define PAGE        4096ull
#define HEAP_SIZE   (256ull << 20)
#define STACK_SIZE  (1ull << 20)
#define TLS_SIZE    (64ull << 10)
#define STRAY       99

struct thread {
    char *td;
    char *stack_top;
    char selector; /* 0: system calls pass, 1: they are caught */
    uint32_t wakes;
    struct cm_test_boot boot;
    uint64_t result;
    pthread_t pthread;
};

static struct thread threads[MAX_THREADS];
static char *image;
static size_t image_size;
static void *image_entry;
static bool spurious;
static struct cm_test_cpuid cpuid_table[2];

uint64_t cm_test_enter(void *entry, uint64_t op, void *arg, void *stack, void *td);
uint64_t cm_test_ocall(uint64_t what, uint64_t a, uint64_t b, uint64_t c);
uint64_t cm_test_serve(uint64_t what, uint64_t a, uint64_t b, uint64_t c, void *td);

static _Noreturn void die(const char *what)
{
    (void)fprintf(stderr, "inside_loader: %s: %s\n", what, strerror(errno));
    exit(1);
}

static struct thread *thread_of(const void *td)
{
    size_t i;

    for (i = 0; i < MAX_THREADS; i++) {
        if (threads[i].td == td) {
            return &threads[i];
        }
    }
    errno = EINVAL;
    die("a thread that does not exist");
}

static void sleep_until_woken(struct thread *t)
{
    if (spurious) {
        (void)sched_yield(); /* always succeeds on Linux */
        return;
    }
    while (__atomic_load_n(&t->wakes, __ATOMIC_ACQUIRE) == 0) {
        (void)syscall(SYS_futex, &t->wakes, FUTEX_WAIT, 0, NULL, NULL, 0);
    }
    __atomic_store_n(&t->wakes, 0, __ATOMIC_RELEASE);
}

/* The host's side of an ocall. */
uint64_t cm_test_serve(uint64_t what, uint64_t a, uint64_t b, uint64_t c, void *td)
{
    struct timespec now;

    switch (what) {
    case CM_TEST_WRITE:
        return fwrite((const void *)b, 1, c, a == 0 ? stdout : stderr);
    case CM_TEST_TIME:
        (void)syscall(SYS_clock_gettime, CLOCK_REALTIME, &now); /* the vDSO's reads the TSC */
        return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    case CM_TEST_WAIT:
        sleep_until_woken(thread_of(td));
        return 0;
    case CM_TEST_WAKE:
        __atomic_store_n(&thread_of((void *)a)->wakes, 1, __ATOMIC_RELEASE);
        (void)syscall(SYS_futex, &thread_of((void *)a)->wakes, FUTEX_WAKE, 1, NULL, NULL, 0);
        return 0;
    default:
        (void)fprintf(stderr, "inside_loader: the image aborted\n");
        exit(1);
    }
}

/* ---- catching what may not be executed; runs with the image's FS, so without glibc ---- */

static long raw_syscall(long n, long a, long b, long c)
{
    long r;

    __asm__ volatile("syscall" : "=a"(r) : "a"(n), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
    return r;
}

static char *put_text(char *to, const char *text)
{
    while (*text != '\0') {
        *to++ = *text++;
    }
    return to;
}

static char *put_hex(char *to, uint64_t v)
{
    int shift;

    for (shift = 60; shift >= 0; shift -= 4) {
        *to++ = "0123456789abcdef"[v >> shift & 15];
    }
    return to;
}

__attribute__((no_stack_protector)) static void on_fault(int sig, siginfo_t *info, void *context)
{
    const ucontext_t *u = context;
    uint64_t rip = (uint64_t)u->uc_mcontext.gregs[REG_RIP];
    char text[256];
    char *end = text;
    size_t i;

    for (i = 0; i < MAX_THREADS; i++) {
        threads[i].selector = 0;
    }
    end =
        put_text(end, sig == SIGSYS ? "STRAY system call " : "STRAY instruction or fault, signal ");
    end = put_hex(end, (uint64_t)(sig == SIGSYS ? info->si_syscall : sig));
    end = put_text(end, " at image+");
    end = put_hex(end, rip - (uint64_t)image);
    *end++ = '\n';
    (void)raw_syscall(SYS_write, 2, (long)text, end - text);
    (void)raw_syscall(SYS_exit_group, STRAY, 0, 0);
}

static void catch_faults(void)
{
    static const int signals[] = {SIGSYS, SIGILL, SIGSEGV, SIGBUS, SIGFPE, SIGTRAP};
    struct sigaction act;
    size_t i;

    memset(&act, 0, sizeof(act));
    act.sa_sigaction = on_fault;
    act.sa_flags = SA_SIGINFO | SA_ONSTACK;
    for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        if (sigaction(signals[i], &act, NULL) != 0) {
            die("sigaction");
        }
    }
}

/* Per thread. */
static bool forbid(struct thread *t)
{
    stack_t stack;

    memset(&stack, 0, sizeof(stack));
    stack.ss_size = 65536;
    stack.ss_sp = malloc(stack.ss_size);
    if (stack.ss_sp == NULL || sigaltstack(&stack, NULL) != 0) {
        die("sigaltstack");
    }
    if (prctl(PR_SET_TSC, PR_TSC_SIGSEGV, 0, 0, 0) != 0) {
        die("PR_SET_TSC");
    }
    return prctl(PR_SET_SYSCALL_USER_DISPATCH, 1, 0, 0, &t->selector) == 0;
}

/* ---- loading ---- */

static void load(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    Elf64_Ehdr eh;
    Elf64_Phdr ph[16];
    char *file;
    size_t i;

    if (fd < 0 || fstat(fd, &st) != 0) {
        die(path);
    }
    file = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (file == MAP_FAILED) {
        die(path);
    }
    memcpy(&eh, file, sizeof(eh));
    if (eh.e_phnum > 16) {
        die("more than 16 program headers");
    }
    memcpy(ph, file + eh.e_phoff, eh.e_phnum * sizeof(ph[0]));
    for (i = 0; i < eh.e_phnum; i++) {
        if (ph[i].p_type == PT_LOAD && ph[i].p_vaddr + ph[i].p_memsz > image_size) {
            image_size = ph[i].p_vaddr + ph[i].p_memsz;
        }
    }
    image_size = (image_size + PAGE - 1) & ~(PAGE - 1);
    image = mmap(NULL, image_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (image == MAP_FAILED) {
        die("mmap");
    }
    for (i = 0; i < eh.e_phnum; i++) {
        if (ph[i].p_type == PT_LOAD) {
            memcpy(image + ph[i].p_vaddr, file + ph[i].p_offset, ph[i].p_filesz);
        }
    }
    for (i = 0; i < eh.e_phnum; i++) {
        uint64_t from = ph[i].p_vaddr & ~(PAGE - 1);
        uint64_t to = (ph[i].p_vaddr + ph[i].p_memsz + PAGE - 1) & ~(PAGE - 1);
        int prot = ((ph[i].p_flags & PF_R) != 0 ? PROT_READ : 0) |
                   ((ph[i].p_flags & PF_W) != 0 ? PROT_WRITE : 0) |
                   ((ph[i].p_flags & PF_X) != 0 ? PROT_EXEC : 0);

        if (ph[i].p_type == PT_LOAD && mprotect(image + from, to - from, prot) != 0) {
            die("mprotect");
        }
    }
    image_entry = image + eh.e_entry;
    (void)munmap(file, (size_t)st.st_size);
    (void)close(fd);
}

static void make_thread(struct thread *t)
{
    char *block = mmap(NULL, PAGE + STACK_SIZE + PAGE + TLS_SIZE + PAGE, PROT_NONE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *selector = &t->selector;

    if (block == MAP_FAILED || mprotect(block + PAGE, STACK_SIZE, PROT_READ | PROT_WRITE) != 0 ||
        mprotect(block + 2 * PAGE + STACK_SIZE, TLS_SIZE + PAGE, PROT_READ | PROT_WRITE) != 0) {
        die("mmap");
    }
    t->stack_top = block + PAGE + STACK_SIZE;
    t->td = block + 2 * PAGE + STACK_SIZE + TLS_SIZE;
    memcpy(t->td + CM_TEST_TD_SELECTOR, &selector, sizeof(selector));
}

static void ask_cpuid(struct cm_test_cpuid *entry, uint32_t leaf)
{
    entry->leaf = leaf;
    (void)__get_cpuid_count(leaf, 0, &entry->regs[0], &entry->regs[1], &entry->regs[2],
                            &entry->regs[3]);
}

static void *run_thread(void *arg)
{
    struct thread *t = arg;

    if (!forbid(t)) {
        die("Syscall User Dispatch");
    }
    t->result = cm_test_enter(image_entry, CM_TEST_RUN, &t->boot, t->stack_top, t->td);
    return NULL;
}

static uint64_t run_all(unsigned count)
{
    uint64_t failures = 0;
    unsigned i;

    for (i = 1; i < count; i++) {
        if (pthread_create(&threads[i].pthread, NULL, run_thread, &threads[i]) != 0) {
            die("pthread_create");
        }
    }
    threads[0].result = cm_test_enter(image_entry, CM_TEST_RUN, &threads[0].boot,
                                      threads[0].stack_top, threads[0].td);
    for (i = 0; i < count; i++) {
        if (i != 0 && pthread_join(threads[i].pthread, NULL) != 0) {
            die("pthread_join");
        }
        failures += threads[i].result;
    }
    return failures;
}

int main(int argc, char **argv)
{
    unsigned count = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 0;
    uint64_t failures;
    char *heap;
    unsigned i;

    if (count == 0 || count > MAX_THREADS) {
        (void)fprintf(stderr, "usage: inside_loader IMAGE CASE THREADS [spurious]\n");
        return 2;
    }
    spurious = argc > 4 && strcmp(argv[4], "spurious") == 0;
    if ((getauxval(AT_HWCAP2) & 2) == 0) {
        (void)printf("skip inside: this processor or kernel has no FSGSBASE\n");
        return 77;
    }
    load(argv[1]);
    heap = mmap(NULL, HEAP_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (heap == MAP_FAILED) {
        die("mmap");
    }
    memset(heap, 0xa5, 16 << 20); /* G1: memory that was not measured holds what the host likes */
    ask_cpuid(&cpuid_table[0], 1);
    ask_cpuid(&cpuid_table[1], 7);
    for (i = 0; i < count; i++) {
        make_thread(&threads[i]);
        threads[i].boot = (struct cm_test_boot){
            cm_test_ocall, (uint64_t)heap, HEAP_SIZE, cpuid_table, 2, argv[2], i, count};
    }
    catch_faults();
    if (!forbid(&threads[0])) {
        (void)printf("skip inside: this kernel has no Syscall User Dispatch\n");
        return 77;
    }
    failures = cm_test_enter(image_entry, CM_TEST_INIT, &threads[0].boot, threads[0].stack_top,
                             threads[0].td);
    failures += run_all(count);
    (void)cm_test_enter(image_entry, CM_TEST_FINI, &threads[0].boot, threads[0].stack_top,
                        threads[0].td);
    (void)printf("%s: %s\n", argv[2], failures == 0 ? "passed" : "FAILED");
    return failures == 0 ? 0 : 1;
}
