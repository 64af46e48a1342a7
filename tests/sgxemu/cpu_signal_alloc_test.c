/*
 * Leaves in a handler that has interrupted malloc. ENCLU is an instruction: on a processor a host
 * may run it there, so the emulator may neither allocate nor wait for a lock of the C library.
 */
#include "harness.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "cpu_kit.h"

#define EXPORT __attribute__((visibility("default")))

/* the program's allocator, and so that of all its libraries; __libc_* are glibc's own */
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void __libc_free(void *p);

/* volatile: raise() is declared never to come back into this file before it returns */
static __thread volatile bool forbidden;
static __thread volatile bool inside_malloc;
static volatile unsigned violations;
static volatile bool interrupt_malloc;

static void entered(void)
{
    if (forbidden) {
        violations++;
    } else if (interrupt_malloc) {
        interrupt_malloc = false;
        inside_malloc = true;
        (void)raise(SIGUSR1);
        inside_malloc = false;
    }
}

EXPORT void *malloc(size_t n)
{
    entered();
    return __libc_malloc(n);
}

EXPORT void *calloc(size_t n, size_t size)
{
    entered();
    return __libc_calloc(n, size);
}

EXPORT void *realloc(void *p, size_t n)
{
    entered();
    return __libc_realloc(p, n);
}

EXPORT void free(void *p)
{
    violations += forbidden && p != NULL ? 1 : 0;
    __libc_free(p);
}

static struct kit_enclave enc;
static volatile unsigned done;

/* operands of the leaves, in the enclave's data page */
#define TARGET  (KIT_PAGE + 0x200)
#define REQUEST (KIT_PAGE + 0x400)
#define DATA    (KIT_PAGE + 0x600)
#define REPORT  (KIT_PAGE + 0x800)
#define KEY     (KIT_PAGE + 0xa00)

static uint64_t at(uint64_t offset)
{
    return (uint64_t)(uintptr_t)enc.base + offset;
}

static void on_signal(int sig)
{
    struct sgx_enclave_run run;

    (void)sig;
    forbidden = true;
    for (int raw = 0; inside_malloc && raw < 2; raw++) {
        struct cpu_leaf report = {SGX_EREPORT, at(TARGET), at(DATA), at(REPORT), 0, 0, 0, 0};
        struct cpu_leaf key = {SGX_EGETKEY, at(REQUEST), at(KEY), 0, 0, 0, 0, 0};
        unsigned long op = raw != 0 ? OP_LEAF_RAW : OP_LEAF;

        if (cpu_ok(cpu_call(&enc, 0, op, (uint64_t)(uintptr_t)&report, 0, &run), &run) &&
            cpu_ok(cpu_call(&enc, 0, op, (uint64_t)(uintptr_t)&key, 0, &run), &run)) {
            done++;
        }
    }
    forbidden = false;
}

static void *in_malloc(void *arg)
{
    void *volatile room = NULL;

    (void)arg;
    interrupt_malloc = true;
    room = malloc(10);
    free(room);
    return NULL;
}

static bool ready(void)
{
    struct sgx_enclave_run run;

    if (enc.base == NULL && !cpu_build(&enc, NULL)) {
        return false;
    }
    (void)signal(SIGUSR1, on_signal);
    violations = 0;
    done = 0;
    /* operands: all zero is a SEAL request without policy and a target that nobody is */
    return cpu_call(&enc, 0, OP_STORE, at(REQUEST), SGX_KEY_SEAL, &run) == 0;
}

TEST(leaves_allocate_nothing)
{
    REQUIRE(ready());
    (void)in_malloc(NULL);
    CHECK_EQ(done, 2);
    CHECK_EQ(violations, 0);
}

/* ... nor does the first entry of a thread, in a program with many thread keys */
TEST(first_entry_of_a_thread_allocates_nothing)
{
    pthread_key_t key;
    pthread_t t;

    REQUIRE(ready());
    for (int i = 0; i < 64; i++) {
        REQUIRE(pthread_key_create(&key, NULL) == 0);
    }
    REQUIRE(pthread_create(&t, NULL, in_malloc, NULL) == 0);
    REQUIRE(pthread_join(t, NULL) == 0);
    CHECK_EQ(done, 2);
    CHECK_EQ(violations, 0);
}

/* many keys before the emulator's start: this program opens the device late */
__attribute__((constructor)) static void many_keys(void)
{
    pthread_key_t key;

    for (int i = 0; i < 64; i++) {
        (void)pthread_key_create(&key, NULL);
    }
}

TEST_MAIN
