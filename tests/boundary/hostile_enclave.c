/*
 * The enclave that the boundary tests attack. Its stubs are written by hand, straight on the
 * runtime's interface, so that nothing stands between a test and the runtime.
 */
#include <openenclave/corelibc/stdlib.h>
#include <openenclave/edger8r/enclave.h>
#include <openenclave/enclave.h>

#include <string.h>

#include "abi/call.h"
#include "enclave/runtime.h"
#include "hostile_ids.h"
#include "hostile_stub.h"

enum { DEEP = 48 * 1024, DEEPER = 60 * 1024 };

volatile uint64_t hostile_go;
volatile uint64_t hostile_spinning;
static __thread uint64_t tls_zero[32];
static __thread uint64_t tls_set = 0x1122334455667788;
static uint64_t constructed;

/*
 * The host's handle is the only word of the test's that is here so early: when it is small, that
 * allocation of the start fails.
 */
void *__real_oe_allocator_malloc(size_t size);
void *__wrap_oe_allocator_malloc(size_t size);
void *__wrap_oe_allocator_malloc(size_t size)
{
    static uint64_t allocations;
    const uint64_t fail = (uint64_t)oe_get_enclave();

    return fail < 100 && __atomic_add_fetch(&allocations, 1, __ATOMIC_SEQ_CST) == fail
               ? NULL
               : __real_oe_allocator_malloc(size);
}

__attribute__((constructor)) static void allocate(void)
{
    constructed = oe_malloc(10) != NULL ? 77 : 78;
}

STUB(he_null)
{
    UNUSED;
    *written = out_len;
}

STUB(he_echo)
{
    memcpy(out, in, in_len < out_len ? in_len : out_len);
    *written = out_len;
}

STUB(he_state)
{
    struct hostile_state s;
    volatile double one = 1.0;
    volatile double three = 3.0;
    uint32_t mxcsr;
    struct {
        uint16_t fcw, u0, fsw, u1, ftw, u2;
        uint32_t rest[4];
    } env;

    (void)in;
    (void)in_len;
    memset(&s, 0, sizeof(s));
    __asm__ volatile("pushfq; pop %0" : "=r"(s.rflags));
    __asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
    __asm__ volatile("fnstenv %0; fldenv %0" : "=m"(env));
    __asm__ volatile("mov %%rsp, %0" : "=r"(s.rsp));
    __asm__ volatile("mov %%fs:0, %0" : "=r"(s.fs0));
    s.gs_self = (uint64_t)cm_td_self();
    s.mxcsr = mxcsr;
    s.fcw = env.fcw;
    s.ftw = env.ftw;
    s.third = one / three;
    s.x87 = (double)((long double)one / (long double)three);
    memcpy(out, &s, sizeof(s) < out_len ? sizeof(s) : out_len);
    *written = out_len;
}

/* Every register that C lets a function change is full of the value when it returns. */
STUB(he_poison)
{
    const uint64_t v = word(in, in_len, 0);
    uint64_t copies[8] = {v, v, v, v, v, v, v, v};

    (void)out;
    *written = out_len;
    if ((cm_xfrm() & 0xe0) == 0xe0) {
        __asm__ volatile(".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,"
                         "25,26,27,28,29,30,31\n vmovdqu64 %0, %%zmm\\n\n .endr\n"
                         ".irp n,0,1,2,3,4,5,6,7\n kmovq %0, %%k\\n\n .endr\n"
                         :
                         : "m"(copies));
    } else if ((cm_xfrm() & 4) != 0) {
        __asm__ volatile(".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n vmovdqu %0, %%ymm\\n\n"
                         ".endr\n"
                         :
                         : "m"(copies));
    }
    __asm__ volatile(".irp n,0,1,2,3,4,5,6,7\n movq %0, %%mm\\n\n .endr\n" : : "m"(copies));
    __asm__ volatile("mov %0, %%r8; mov %0, %%r9; mov %0, %%r10; mov %0, %%r11\n"
                     "mov %0, %%rsi; mov %0, %%rdi; mov %0, %%rdx; mov %0, %%rcx\n"
                     :
                     : "m"(copies)
                     : "r8", "r9", "r10", "r11", "rsi", "rdi", "rdx", "rcx");
}

STUB(he_ocall)
{
    struct hostile_ocall r = {0, 0, 0, 0};
    const uint64_t rounds = word(in, in_len, 0);
    uint8_t *host = oe_allocate_ocall_buffer(64);

    for (uint64_t i = 0; i < rounds && r.result == OE_OK; i++) {
        size_t bytes = 0;

        r.result = oe_call_host_function(HOSTILE_OCALL_ID, host, 32, host + 32, 32, &bytes);
        r.written = bytes;
        r.rounds++;
    }
    oe_free_ocall_buffer(host);
    memcpy(out, &r, sizeof(r) < out_len ? sizeof(r) : out_len);
    *written = out_len;
}

STUB(he_malloc)
{
    const uint64_t size = word(in, in_len, 0);
    const uint64_t count = word(in, in_len, 1);

    for (uint64_t i = 0; i < count && i < 16; i++) {
        put(out, out_len, i,
            (uint64_t)((word(in, in_len, 2) >> i & 1) != 0 ? oe_allocate_ocall_buffer(size)
                                                           : oe_host_malloc(size)));
    }
    *written = out_len;
}

static __attribute__((noinline)) void smash(volatile uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        p[i] = 0x41;
    }
}

STUB(he_abort)
{
    volatile uint8_t buf[16] = {0};

    UNUSED;
    *written = out_len;
    switch (word(in, in_len, 0)) {
    case 0:
        oe_abort();
    case 1:
        __oe_assert_fail("1 + 1 == 3", __FILE__, __LINE__, __func__); /* NDEBUG or not */
    case 2:
        smash(buf, 64); /* through the stack protector's canary */
        break;
    default:
        oe_free(out + 1);
    }
}

static __attribute__((noinline)) uint64_t fill_stack(uint64_t canary)
{
    volatile uint64_t deep[DEEP / sizeof(uint64_t)];
    uint64_t where = 0;

    for (size_t i = 0; i < DEEP / sizeof(uint64_t); i++) {
        deep[i] = canary;
    }
    __asm__("mov %1, %0" : "=r"(where) : "r"(deep)); /* only the number leaves */
    return where;
}

/* the C library's part of the thread data; nothing of it is in use here */
static uint64_t *beside_tls(void)
{
    return (uint64_t *)cm_td_self() + 40;
}

STUB(he_leave)
{
    const uint64_t canary = word(in, in_len, 0);
    uint64_t *block = oe_malloc(1024);

    for (size_t i = 0; i < 32; i++) {
        tls_zero[i] = canary;
    }
    tls_set = canary;
    for (size_t i = 0; i < 16; i++) {
        beside_tls()[i] = canary;
    }
    put(out, out_len, 0, fill_stack(canary));
    put(out, out_len, 1, (uint64_t)&tls_zero[0]);
    if (block != NULL) {
        for (size_t i = 0; i < 128; i++) {
            block[i] = canary;
        }
        put(out, out_len, 2, (uint64_t)block);
        cm_free_wiped(block);
    }
    *written = out_len;
}

static __attribute__((noinline)) void touch_bottom(uint64_t canary, uint64_t whether)
{
    volatile uint64_t deep[DEEPER / sizeof(uint64_t)];

    __asm__ volatile("" : : "r"(deep) : "memory");
    if (whether != 0) {
        deep[5] = canary; /* where looking at the first bytes of each line would not find it */
    }
}

static __attribute__((noinline)) uint64_t jump(uint64_t n)
{
    volatile uint8_t frame[20000];

    frame[0] = 1;
    return n == 0 ? 0 : jump(n - 1) + frame[0];
}

STUB(he_jump)
{
    (void)out;
    put(out, out_len, 0, jump(UINT64_MAX - word(in, in_len, 0)));
    *written = out_len;
}

STUB(he_deep)
{
    (void)out;
    touch_bottom(word(in, in_len, 0), word(in, in_len, 1));
    *written = out_len;
}

/* Looks at memory below the own frame, where the former tenant's locals were. */
static __attribute__((noinline)) uint64_t count_stack(uint64_t canary)
{
    volatile uint64_t deep[DEEP / sizeof(uint64_t)];
    uint64_t found = 0;
    volatile uint64_t *p = deep;

    __asm__ volatile("" : "+r"(p) : : "memory"); /* uninitialised on purpose */
    for (size_t i = 0; i < DEEP / sizeof(uint64_t); i++) {
        found += p[i] == canary;
    }
    return found;
}

STUB(he_find)
{
    const uint64_t canary = word(in, in_len, 0);
    uint64_t in_tls = 0;

    put(out, out_len, 0, count_stack(canary));
    for (size_t i = 0; i < 32; i++) {
        in_tls += tls_zero[i] == canary;
    }
    for (size_t i = 0; i < 16; i++) {
        in_tls += beside_tls()[i] == canary;
    }
    in_tls += tls_set != 0x1122334455667788;
    put(out, out_len, 1, in_tls);
    put(out, out_len, 2, constructed);
    *written = out_len;
}

STUB(he_random)
{
    (void)in;
    (void)in_len;
    if (oe_random(out, out_len) == OE_OK) {
        *written = out_len;
    }
}

STUB(he_spin)
{
    (void)__atomic_add_fetch(&hostile_spinning, 1, __ATOMIC_SEQ_CST);
    while (hostile_go == 0) {
        __builtin_ia32_pause();
    }
    (void)__atomic_sub_fetch(&hostile_spinning, 1, __ATOMIC_SEQ_CST);
    if (word(in, in_len, 0) != 0) {
        put(out, out_len, 0, oe_ocall(CM_OCALL_FREE, 0, NULL));
    }
    *written = out_len;
}

STUB(he_go)
{
    hostile_go = word(in, in_len, 0);
    put(out, out_len, 0, hostile_spinning);
    *written = out_len;
}

STUB(he_wait)
{
    uint64_t waits = 0;

    (void)__atomic_add_fetch(&hostile_spinning, 1, __ATOMIC_SEQ_CST);
    while (word(in, in_len, 0) != 0 && oe_get_enclave_status() == OE_OK) {
        __builtin_ia32_pause();
    }
    while (hostile_go == 0) {
        cm_thread_wait();
        waits++;
    }
    (void)__atomic_sub_fetch(&hostile_spinning, 1, __ATOMIC_SEQ_CST);
    put(out, out_len, 0, waits);
    *written = out_len;
}

STUB(he_result)
{
    uint8_t *host = oe_allocate_ocall_buffer(64);
    size_t bytes = 0x77;
    uint8_t inside[32] = {0};
    const uint64_t which = word(in, in_len, 0);
    oe_result_t r = oe_call_host_function(HOSTILE_OCALL_ID, which == 1 ? inside : host, 32,
                                          which == 2 ? inside : host + 32, 32, &bytes);

    oe_free_ocall_buffer(host);
    put(out, out_len, 0, r);
    put(out, out_len, 1, bytes);
    *written = out_len;
}

STUB(he_flags)
{
    uint32_t mxcsr = 0x7f80; /* round towards zero */
    uint16_t fcw = 0x0f7f;
    uint32_t mxcsr_after;
    uint16_t fcw_after;
    const uint32_t normal = 0x1f80;
    size_t bytes = 0;
    uint8_t *host = oe_allocate_ocall_buffer(64);

    (void)in;
    (void)in_len;
    __asm__ volatile("ldmxcsr %0; fldcw %1" : : "m"(mxcsr), "m"(fcw));
    (void)oe_call_host_function(HOSTILE_OCALL_ID, host, 32, host + 32, 32, &bytes);
    __asm__ volatile("stmxcsr %0; fnstcw %1" : "=m"(mxcsr_after), "=m"(fcw_after));
    __asm__ volatile("ldmxcsr %0; fninit" : : "m"(normal));
    oe_free_ocall_buffer(host);
    put(out, out_len, 0, mxcsr);
    put(out, out_len, 1, mxcsr_after);
    put(out, out_len, 2, fcw);
    put(out, out_len, 3, fcw_after);
    *written = out_len;
}

STUB(he_td)
{
    uint64_t here = 0;
    void *block = oe_malloc(32);

    (void)in;
    (void)in_len;
    put(out, out_len, 0, (uint64_t)cm_td_self());
    put(out, out_len, 1, (uint64_t)&here);
    put(out, out_len, 2, (uint64_t)block);
    put(out, out_len, 3, (uint64_t)&hostile_go);
    oe_free(block);
    *written = out_len;
}

STUB(he_cpuid)
{
    uint32_t regs[4] = {0, 0, 0, 0};
    const bool found = cm_cpuid_lookup((uint32_t)word(in, in_len, 0), 0, regs);

    put(out, out_len, 0, found);
    for (size_t i = 0; i < 4; i++) {
        put(out, out_len, 1 + i, regs[i]);
    }
    put(out, out_len, 5, cm_xfrm());
    *written = out_len;
}

STUB(he_realloc)
{
    uint8_t inside[40];
    uint64_t bad = 0;
    uint8_t *p = oe_host_calloc(3, 8);
    char *s = oe_host_strndup("a string", 4);

    (void)in;
    (void)in_len;
    bad += p == NULL || s == NULL || !oe_is_outside_enclave(p, 24);
    cm_copy_in(inside, p, 24);
    for (size_t i = 0; i < 24; i++) {
        bad += inside[i] != 0;
    }
    cm_copy_out(p, "0123456789abcdef01234567", 24);
    p = oe_host_realloc(p, 4000);
    bad += p == NULL || !oe_is_outside_enclave(p, 4000);
    cm_copy_in(inside, p, 24);
    bad += memcmp(inside, "0123456789abcdef01234567", 24) != 0;
    cm_copy_in(inside, s, 5);
    bad += memcmp(inside, "a st", 5) != 0;
    bad += oe_host_realloc(&bad, 10) != NULL;
    oe_host_free(p);
    oe_host_free(s);
    oe_host_free(NULL);
    oe_host_free(&bad);
    bad += oe_host_calloc((size_t)1 << 33, (size_t)1 << 33) != NULL;
    put(out, out_len, 0, bad);
    *written = out_len;
}

STUB(he_short)
{
    (void)in;
    (void)in_len;
    memset(out, 0x66, out_len);
    *written = 16;
}

STUB(he_lie)
{
    (void)in;
    (void)in_len;
    (void)out;
    *written = out_len + 16;
}

/* takes memory for the data twice, as two pieces of generated code would, and leaves it full */
STUB(he_memory)
{
    uint8_t *pieces[2] = {NULL, NULL};
    uint64_t bad = 0;

    for (size_t k = 0; k < 2; k++) {
        bool zero = false;

        pieces[k] = cm_call_memory(in_len * (k + 1), &zero);
        for (size_t i = 0; zero && pieces[k] != NULL && i < in_len * (k + 1); i++) {
            bad += pieces[k][i] != 0;
        }
        for (size_t i = 0; pieces[k] != NULL && i <= k; i++) {
            memcpy(pieces[k] + i * in_len, in, in_len);
        }
        bad += (uint64_t)pieces[k] % 16;
    }
    bad += pieces[0] == NULL || memcmp(pieces[0], in, in_len) != 0; /* the second is another one */
    cm_call_memory_end(pieces[1], in_len * 2);
    cm_call_memory_end(pieces[0], in_len);
    put(out, out_len, 0, bad);
    *written = out_len;
}

oe_ecall_func_t oe_ecalls_table[] = {
    [HE_NULL] = he_null,       [HE_ECHO] = he_echo,       [HE_STATE] = he_state,
    [HE_POISON] = he_poison,   [HE_OCALL] = he_ocall,     [HE_MALLOC] = he_malloc,
    [HE_ABORT] = he_abort,     [HE_LEAVE] = he_leave,     [HE_FIND] = he_find,
    [HE_RANDOM] = he_random,   [HE_SPIN] = he_spin,       [HE_GO] = he_go,
    [HE_WAIT] = he_wait,       [HE_FAULT] = he_fault,     [HE_RESULT] = he_result,
    [HE_HANDLER] = he_handler, [HE_FLAGS] = he_flags,     [HE_TD] = he_td,
    [HE_CPUID] = he_cpuid,     [HE_REALLOC] = he_realloc, [HE_SHORT] = he_short,
    [HE_LIE] = he_lie,         [HE_MEMORY] = he_memory,   [HE_DEEP] = he_deep,
    [HE_JUMP] = he_jump,       [HE_SEEN] = he_seen,       [HE_COUNT] = NULL,
};
size_t oe_ecalls_table_size = HE_COUNT + 1; /* the last slot is empty on purpose */
const char *const oe_ecalls_names[HE_COUNT + 1] = {"null", "echo"};

OE_SET_ENCLAVE_SGX2(1, 1, ({0}), ({0}), 1, 1, 0, 0, 0, 512, 32, 4);
