/*
 * Host threads: options, what the machine must offer, slots, LDT entries, signal stacks, Syscall
 * User Dispatch, fork, thread exit, and the kernel half's lock.
 */
#include <asm/ldt.h>
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "emu_cpu.h"

#ifndef HWCAP2_FSGSBASE
#define HWCAP2_FSGSBASE 2
#endif
#define SUD_PRCTL 59 /* PR_SET_SYSCALL_USER_DISPATCH */
#define SUD_ON    1
#define SUD_OFF   0

struct emu_thread cm_emu_threads[EMU_SLOTS];
uint64_t cm_emu_slots;
uint32_t cm_emu_tids[EMU_SLOTS];
uint32_t cm_emu_tids_used;
uint32_t cm_emu_without_ldt;
__thread struct emu_thread *cm_emu_self __attribute__((tls_model("initial-exec")));

static pthread_mutex_t device_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t slot_lock = PTHREAD_MUTEX_INITIALIZER;
static struct emu_lock_state fork_state;
static pthread_key_t exit_key;
static bool exit_key_made;
static bool sud_works;
static bool ldt_works;
static uint8_t ldt_present[EMU_LDT_SLOTS]; /* entries stay when their thread goes */
static bool started;

/* ------------------------------------------------------------------ options */

static struct emu_options options;
static pthread_once_t options_once = PTHREAD_ONCE_INIT;

static void read_options(void)
{
    static const struct {
        const char *word;
        bool *flag;
    } words[] = {
        {"unchecked", &options.unchecked}, {"nopatch", &options.no_patch},
        {"noldt", &options.no_ldt},        {"cpuid", &options.cpuid},
        {"dbgoptin", &options.dbgoptin},   {"verbose", &options.verbose},
    };
    const char *p = getenv("CASEMATE_SGXEMU");

    while (p != NULL && *p != '\0') {
        size_t len = strcspn(p, ",");
        bool known = len == 0;

        for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
            if (strlen(words[i].word) == len && strncmp(words[i].word, p, len) == 0) {
                *words[i].flag = true;
                known = true;
            }
        }
        if (!known) {
            (void)fprintf(stderr, "casemate sgxemu: unknown word in CASEMATE_SGXEMU: %.*s\n",
                          (int)len, p);
        }
        p += len + (p[len] == ',');
    }
}

const struct emu_options *cm_emu_options(void)
{
    (void)pthread_once(&options_once, read_options);
    return &options;
}

void cm_emu_log(const char *fmt, ...)
{
    va_list args;
    char line[512];

    if (!cm_emu_options()->verbose) {
        return;
    }
    va_start(args, fmt);
    (void)vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    (void)fprintf(stderr, "casemate sgxemu: %s\n", line);
}

/* ------------------------------------------------------------------ locks */

static void block_all(struct emu_lock_state *st)
{
    uint64_t all = ~UINT64_C(0);

    (void)emu_syscall4(SYS_rt_sigprocmask, SIG_SETMASK, (uint64_t)&all, (uint64_t)&st->sigmask, 8);
}

static void unblock(const struct emu_lock_state *st)
{
    (void)emu_syscall4(SYS_rt_sigprocmask, SIG_SETMASK, (uint64_t)&st->sigmask, 0, 8);
}

void cm_emu_lock(struct emu_lock_state *st)
{
    block_all(st);
    (void)pthread_mutex_lock(&device_lock);
}

void cm_emu_unlock(const struct emu_lock_state *st)
{
    (void)pthread_mutex_unlock(&device_lock);
    unblock(st);
}

/* ------------------------------------------------------------------ slots */

/* The lowest free slot: low numbers have LDT entries, and the table stays short. slot_lock held. */
static struct emu_thread *take_slot(void)
{
    for (uint32_t i = 0; i < EMU_SLOTS; i++) {
        struct emu_thread *t = &cm_emu_threads[i];

        if (__atomic_load_n(&t->used, __ATOMIC_ACQUIRE) == 0) {
            memset(t, 0, sizeof(*t));
            t->used = 1;
            t->index = i;
            if (i >= cm_emu_tids_used) {
                cm_emu_tids_used = i + 1;
            }
            return t;
        }
    }
    return NULL;
}

static bool ldt_entry(uint32_t index)
{
    struct user_desc d = {.entry_number = index, .seg_32bit = 1, .useable = 1};

    if (!ldt_works || index >= EMU_LDT_SLOTS) {
        return false;
    }
    if (ldt_present[index]) {
        return true;
    }
    if (emu_syscall4(SYS_modify_ldt, 0x11, (uint64_t)&d, sizeof(d), 0) != 0) {
        return false;
    }
    ldt_present[index] = 1;
    return true;
}

static void load_es(uint32_t selector)
{
    __asm__ volatile("mov %0, %%es" ::"r"(selector));
}

static void sud(struct emu_thread *t, unsigned mode)
{
    register uint64_t r8 __asm__("r8") = (uint64_t)&t->selector;
    register uint64_t r10 __asm__("r10") = (uint64_t)(cm_emu_text_end - cm_emu_text_start);
    uint64_t start = (uint64_t)cm_emu_text_start;
    long ret;

    if (!sud_works) {
        return;
    }
    if (mode == SUD_OFF) {
        start = 0;
        r10 = 0;
        r8 = 0;
    }
    __asm__ volatile("syscall"
                     : "=a"(ret)
                     : "0"((long)SYS_prctl), "D"((uint64_t)SUD_PRCTL), "S"((uint64_t)mode),
                       "d"(start), "r"(r10), "r"(r8)
                     : "rcx", "r11", "memory");
    (void)ret;
}

/* The kernel's alternate stack becomes ours; the host's is remembered. False: errno-like. */
static bool take_stack(struct emu_thread *t)
{
    size_t guard = SGX_PAGE_SIZE;
    stack_t ours = {0};

    t->stack = mmap(NULL, EMU_STACK_SIZE + guard, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (t->stack == MAP_FAILED) {
        t->stack = NULL;
        return false;
    }
    (void)mprotect(t->stack, guard, PROT_NONE);
    t->leaf_stack = t->stack + guard + EMU_STACK_SIZE;
    ours.ss_sp = t->stack + guard;
    ours.ss_size = EMU_STACK_SIZE;
    if (cm_emu_sigaltstack_on(&ours, &t->host_stack, t->leaf_stack) != 0) {
        (void)munmap(t->stack, EMU_STACK_SIZE + guard);
        t->stack = NULL;
        return false;
    }
    t->host_stack.ss_flags &= ~SS_ONSTACK;
    return true;
}

static void complain(const char *text)
{
    (void)!write(STDERR_FILENO, text, strlen(text));
}

/* With all signals blocked. */
static struct emu_thread *register_blocked(void)
{
    struct emu_thread *t;
    bool ldt;

    (void)pthread_mutex_lock(&slot_lock);
    t = take_slot();
    ldt = t != NULL && ldt_entry(t->index);
    (void)pthread_mutex_unlock(&slot_lock);
    if (t == NULL) {
        complain("casemate sgxemu: more than 32768 threads use enclaves at once\n");
        return NULL;
    }
    if (!take_stack(t)) {
        complain("casemate sgxemu: no memory for a thread's signal stack\n");
        __atomic_store_n(&t->used, 0, __ATOMIC_RELEASE);
        return NULL;
    }
    t->tid = (uint32_t)emu_syscall4(SYS_gettid, 0, 0, 0, 0);
    if (ldt) {
        load_es(t->index * 8 + 7);
    } else {
        load_es(0);
        t->no_ldt = 1;
        cm_emu_tids[t->index] = t->tid;
        (void)__atomic_fetch_add(&cm_emu_without_ldt, 1, __ATOMIC_SEQ_CST);
    }
    sud(t, SUD_ON);
    (void)pthread_setspecific(exit_key, t);
    cm_emu_self = t;
    return t;
}

struct emu_thread *cm_emu_register(void)
{
    struct emu_lock_state st;
    struct emu_thread *t = cm_emu_self;
    int saved = errno;

    if (t == NULL) {
        block_all(&st);
        t = register_blocked();
        unblock(&st);
    }
    errno = saved;
    return t;
}

static void forget_slot(struct emu_thread *t)
{
    if (t->no_ldt) {
        cm_emu_tids[t->index] = 0;
        (void)__atomic_fetch_sub(&cm_emu_without_ldt, 1, __ATOMIC_SEQ_CST);
    }
    t->tid = 0;
    (void)munmap(t->stack, EMU_STACK_SIZE + SGX_PAGE_SIZE);
    t->stack = NULL;
    __atomic_store_n(&t->used, 0, __ATOMIC_RELEASE);
}

/* Runs late in a thread's exit; an entry after it registers anew and gets another call. */
static void thread_exits(void *arg)
{
    struct emu_thread *t = arg;
    struct emu_lock_state st;

    block_all(&st);
    sud(t, SUD_OFF);
    load_es(0);
    cm_emu_self = NULL;
    (void)emu_syscall4(SYS_sigaltstack, (uint64_t)&t->host_stack, 0, 0, 0);
    forget_slot(t);
    unblock(&st);
}

/* ------------------------------------------------------------------ fork */

static void before_fork(void)
{
    struct emu_lock_state st;

    cm_emu_lock(&st);
    (void)pthread_mutex_lock(&slot_lock);
    fork_state = st;
}

static void after_fork_parent(void)
{
    struct emu_lock_state st = fork_state;

    (void)pthread_mutex_unlock(&slot_lock);
    cm_emu_unlock(&st);
}

/* ES, LDT, stack and mappings are there; the thread id and Syscall User Dispatch are not. */
static void after_fork_child(void)
{
    struct emu_thread *self = cm_emu_self;

    for (uint32_t i = 0; i < cm_emu_tids_used; i++) {
        struct emu_thread *t = &cm_emu_threads[i];

        if (t->used != 0 && t != self) {
            forget_slot(t);
        }
    }
    if (self != NULL) {
        self->tid = (uint32_t)emu_syscall4(SYS_gettid, 0, 0, 0, 0);
        if (self->no_ldt) {
            cm_emu_tids[self->index] = self->tid;
        }
        sud(self, SUD_ON);
    }
    cm_emu_signals_forked();
    after_fork_parent();
}

/* ------------------------------------------------------------------ start */

/*
 * Early, for one of the first 32 keys: setting a later one allocates, and a thread's first entry may
 * come from a handler that has interrupted malloc.
 */
__attribute__((constructor(101))) static void make_exit_key(void)
{
    exit_key_made = pthread_key_create(&exit_key, thread_exits) == 0;
}

/* Disarming what is not armed succeeds where the kernel has the feature. */
static bool sud_available(void)
{
    register uint64_t r8 __asm__("r8") = 0;
    register uint64_t r10 __asm__("r10") = 0;
    long ret;

    __asm__ volatile("syscall"
                     : "=a"(ret)
                     : "0"((long)SYS_prctl), "D"((uint64_t)SUD_PRCTL), "S"((uint64_t)SUD_OFF),
                       "d"((uint64_t)0), "r"(r10), "r"(r8)
                     : "rcx", "r11", "memory");
    return ret == 0;
}

static void *until_unlocked(void *arg)
{
    pthread_mutex_t *gate = arg;

    (void)pthread_mutex_lock(gate);
    (void)pthread_mutex_unlock(gate);
    return NULL;
}

/*
 * The C library installs handlers of its own when the first thread is made and when the first one
 * is cancelled, and nobody sees it do so. Have it done now, so that they are wrapped like any other.
 */
static void provoke_libc_handlers(void)
{
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    pthread_t t;

    (void)pthread_mutex_lock(&gate);
    if (pthread_create(&t, NULL, until_unlocked, &gate) == 0) {
        (void)pthread_cancel(t); /* takes effect nowhere: no cancellation point there */
        (void)pthread_mutex_unlock(&gate);
        (void)pthread_join(t, NULL);
    }
    (void)pthread_mutex_destroy(&gate);
}

static enum cm_status start_locked(struct cm_why *why)
{
    const struct emu_options *o = cm_emu_options();

    if ((getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE) == 0) {
        cm_why_set(why, "the SGX emulator needs the FSGSBASE instructions, and this processor or "
                        "kernel (5.9 or newer has them) does not offer them");
        return CM_ERR_PLATFORM;
    }
    sud_works = !o->unchecked && sud_available();
    if (!sud_works && !o->unchecked) {
        cm_why_set(why,
                   "the SGX emulator needs Syscall User Dispatch (Linux 5.11) to refuse system "
                   "calls inside enclaves; CASEMATE_SGXEMU=unchecked runs without it, and then "
                   "system calls made by enclave code are executed");
        return CM_ERR_PLATFORM;
    }
    if (!exit_key_made || pthread_atfork(before_fork, after_fork_parent, after_fork_child) != 0) {
        cm_why_set(why, "the SGX emulator got no thread key or no memory");
        return CM_ERR_NOMEM;
    }
    cm_emu_slots = (uint64_t)cm_emu_threads - UINT64_C(7) * 64;
    ldt_works = !o->no_ldt;
    cm_emu_interpose();
    cm_emu_interpose_waits();
    cm_emu_xsave_init();
    provoke_libc_handlers();
    cm_emu_signals_start();
    started = true;
    return CM_OK;
}

enum cm_status cm_emu_start(struct cm_why *why)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    enum cm_status st = CM_OK;

    (void)pthread_mutex_lock(&lock);
    if (!started) {
        st = start_locked(why);
    }
    (void)pthread_mutex_unlock(&lock);
    return st;
}

bool cm_emu_started(void)
{
    return __atomic_load_n(&started, __ATOMIC_ACQUIRE);
}
