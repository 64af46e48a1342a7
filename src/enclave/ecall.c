/*
 * What an ecall does: cm_ecall_main is called by entry.S on the enclave's stack, with everything
 * the host could have prepared cleared away but the call word's function and one argument.
 */
#include "common/checked.h"
#include "common/wipe.h"
#include "enclave/address.h"
#include "enclave/edge.h"
#include "enclave/internal.h"
#include "enclave/runtime.h"

#include <string.h>

enum { ON_STACK = 256, BUFFER_STEP = 16, KEPT_LEAST = 16 * 1024, KEPT_MOST = 256 * 1024 };

uint32_t cm_life;
struct cm_stack_shape cm_stack_shapes[CM_STACK_SHAPES];
static struct cm_stack_shape of_start_and_end;

/* What a thread may keep between its ecalls: little of a small heap. */
static size_t kept_most(void)
{
    const volatile oe_sgx_enclave_properties_t *p = cm_properties();
    const uint64_t share = p->header.size_settings.num_heap_pages * CM_PAGE_SIZE / 8 /
                           (p->header.size_settings.num_tcs + 1);

    return share < KEPT_MOST ? (size_t)share : KEPT_MOST;
}

/* Marshalling buffers: input, then output, which is zero, in enclave memory. Wiped before return. */
static oe_result_t call_with(uint8_t *buffer, const struct cm_call_args *args, uint64_t *written)
{
    const oe_ecall_func_t func = oe_ecalls_table[args->function_id];
    uint8_t *output = buffer + args->input_buffer_size;
    oe_result_t result = OE_UNEXPECTED;
    size_t bytes = 0;

    cm_copy_in(buffer, cm_ptr(args->input_buffer), args->input_buffer_size);
    func(buffer, args->input_buffer_size, output, args->output_buffer_size, &bytes);
    if (bytes <= args->output_buffer_size) {
        cm_copy_out(cm_ptr(args->output_buffer), output, bytes);
        *written = bytes;
        result = OE_OK;
    }
    cm_wipe(buffer, args->input_buffer_size + args->output_buffer_size);
    return result;
}

static __attribute__((noinline)) oe_result_t call_on_stack(const struct cm_call_args *args,
                                                           uint64_t *written)
{
    uint8_t buffer[ON_STACK] __attribute__((aligned(BUFFER_STEP)));

    memset(buffer + args->input_buffer_size, 0, args->output_buffer_size);
    return call_with(buffer, args, written);
}

/*
 * Memory for this call: from what the thread keeps, all zero; or, when that would be too large, a
 * block. Given back in the opposite order.
 */
static uint8_t *take_buffer(struct cm_td *td, size_t total, bool *kept)
{
    const size_t least = total < KEPT_LEAST ? KEPT_LEAST : total;
    uint8_t *buffer;

    *kept = total <= td->marshal_size - td->marshal_used;
    if (!*kept && (td->marshal_used != 0 || least > kept_most())) {
        return oe_allocator_malloc(total);
    }
    if (!*kept) {
        buffer = oe_allocator_calloc(1, least);
        if (buffer == NULL) {
            return NULL;
        }
        oe_allocator_free(cm_ptr(td->marshal));
        td->marshal = (uint64_t)buffer;
        td->marshal_size = least;
        *kept = true;
    }
    buffer = (uint8_t *)cm_ptr(td->marshal) + td->marshal_used;
    td->marshal_used += total;
    return buffer;
}

/* wiped by the caller */
static void give_buffer(struct cm_td *td, uint8_t *buffer, size_t total)
{
    if ((uint64_t)buffer - td->marshal < td->marshal_size) {
        td->marshal_used -= total;
    } else {
        oe_allocator_free(buffer);
    }
}

void *cm_call_memory(size_t size, bool *zero)
{
    return take_buffer(cm_td(), size, zero);
}

/* In whole words: memset with its ragged ends takes 15 ns more, of the 155 that 8 KiB take. */
void cm_call_memory_end(void *p, size_t size)
{
    void *at = p;
    size_t words = size / sizeof(uint64_t);

    if (p != NULL) {
        __asm__ volatile("rep stosq" : "+D"(at), "+c"(words) : "a"(0) : "memory");
        give_buffer(cm_td(), p, size);
    }
}

static oe_result_t call_on_heap(struct cm_td *td, const struct cm_call_args *args, size_t total,
                                uint64_t *written)
{
    bool zero = false;
    uint8_t *buffer = take_buffer(td, total, &zero);
    oe_result_t result;

    if (buffer == NULL) {
        return OE_OUT_OF_MEMORY;
    }
    if (!zero) {
        memset(buffer + args->input_buffer_size, 0, args->output_buffer_size);
    }
    result = call_with(buffer, args, written);
    give_buffer(td, buffer, total);
    return result;
}

/* B1 to B3, B12: wholly outside the enclave, aligned, in whole steps. Size 0 needs no buffer. */
static bool buffer_ok(uint64_t addr, uint64_t size)
{
    return size == 0 ||
           (addr % sizeof(uint64_t) == 0 && size % BUFFER_STEP == 0 && cm_outside(addr, size));
}

bool cm_arena_ok(uint64_t arena, uint64_t size)
{
    return size == 0 || (arena % BUFFER_STEP == 0 && cm_outside(arena, size));
}

static oe_result_t check_args(const struct cm_call_args *args, size_t *total)
{
    if (args->function_id >= oe_ecalls_table_size) {
        return OE_NOT_FOUND;
    }
    if (!buffer_ok(args->input_buffer, args->input_buffer_size) ||
        !buffer_ok(args->output_buffer, args->output_buffer_size) ||
        cm_add_ovf(args->input_buffer_size, args->output_buffer_size, total)) {
        return OE_INVALID_PARAMETER;
    }
    if (!cm_arena_ok(args->arena, args->arena_size)) {
        return OE_INVALID_PARAMETER;
    }
    cm_lfence(); /* for the addresses, and B11: no table entry behind the end is ever looked at */
    return oe_ecalls_table[args->function_id] == NULL ? OE_NOT_FOUND : OE_OK;
}

/* The two fields of the host's structure that the enclave writes. */
static void answer(uint64_t host_args, uint64_t written, oe_result_t result)
{
    const uint64_t code = (uint64_t)result;

    cm_copy_out(cm_ptr(host_args + offsetof(struct cm_call_args, output_bytes_written)), &written,
                sizeof(written));
    cm_copy_out(cm_ptr(host_args + offsetof(struct cm_call_args, result)), &code, sizeof(code));
}

/*
 * Says to entry.S how much of the stack this call of a function makes it zero (D4): at least as much
 * as any call of it ever needed. The first calls are where that is learned.
 */
static void expect_depth(struct cm_td *td, uint64_t function_id)
{
    struct cm_stack_shape *shape = &cm_stack_shapes[function_id % CM_STACK_SHAPES];
    const uint64_t top = td->tcs - CM_GUARD_SIZE;
    const uint64_t low = top - __atomic_load_n(&shape->depth, __ATOMIC_RELAXED);

    if (low < td->stack_low) {
        td->stack_low = low;
    }
    if (__atomic_load_n(&shape->calls, __ATOMIC_RELAXED) < CM_STACK_LEARN) {
        (void)__atomic_add_fetch(&shape->calls, 1, __ATOMIC_RELAXED);
        td->stack_shape = (uint64_t)shape;
    }
}

static oe_result_t call_checked(struct cm_td *td, const struct cm_call_args *args, size_t total,
                                uint64_t *written)
{
    expect_depth(td, args->function_id);
    return total <= ON_STACK ? call_on_stack(args, written)
                             : call_on_heap(td, args, total, written);
}

oe_result_t cm_call_taken(struct cm_td *td, const struct cm_call_args *args, uint64_t *written)
{
    size_t total = 0;
    const oe_result_t result = check_args(args, &total);

    return result != OE_OK ? result : call_checked(td, args, total, written);
}

oe_result_t cm_call_function(uint64_t host_args)
{
    struct cm_td *td = cm_td();
    struct cm_call_args args;
    uint64_t written = 0;
    size_t total = 0;
    oe_result_t result;

    if (host_args % sizeof(uint64_t) != 0 || !cm_outside(host_args, sizeof(args))) {
        return OE_INVALID_PARAMETER;
    }
    cm_lfence();
    cm_copy_in(&args, cm_ptr(host_args), sizeof(args)); /* once: B5 */
    result = check_args(&args, &total);
    if (result == OE_OK) {
        cm_arena_begin(td, host_args, args.arena, args.arena_size);
        result = call_checked(td, &args, total, &written);
        cm_musl_td_exit(); /* while destructors of the thread's objects can still call the host */
        cm_arena_end(td);
    }
    answer(host_args, written, result);
    return OE_OK;
}

/* An outermost call that runs in a thread of its own: with fresh TLS, cleared afterwards. */
static CM_NO_CANARY oe_result_t run(struct cm_td *td, oe_result_t (*call)(uint64_t), uint64_t arg)
{
    oe_result_t result;

    cm_thread_begin(td);
    result = call(arg);
    cm_thread_end(td);
    return result;
}

/* host_args: memory through which handlers may ask the host for buffers; without it they run, and
 * their ocalls fail. */
static oe_result_t end(uint64_t host_args)
{
    struct cm_td *td = cm_td();
    oe_result_t result;

    if (host_args % sizeof(uint64_t) == 0 &&
        cm_outside(host_args, sizeof(struct cm_host_alloc_args))) {
        cm_lfence();
        cm_arena_begin(td, host_args, 0, 0);
    }
    result = cm_end();
    cm_arena_end(td);
    return result;
}

static bool life_change(uint32_t from, uint32_t to)
{
    return __atomic_compare_exchange_n(&cm_life, &from, to, false, __ATOMIC_SEQ_CST,
                                       __ATOMIC_SEQ_CST);
}

static void life_set(uint32_t to)
{
    __atomic_store_n(&cm_life, to, __ATOMIC_SEQ_CST);
}

static oe_result_t not_alive(uint32_t life)
{
    return life == CM_LIFE_STARTING || life == CM_LIFE_ENDING ? OE_BUSY : OE_UNEXPECTED;
}

/* One thread, once (D2). Whatever goes wrong, the enclave is not usable afterwards. */
static CM_NO_CANARY oe_result_t init(struct cm_td *td, uint64_t arg)
{
    oe_result_t result;

    if (!life_change(CM_LIFE_NEW, CM_LIFE_STARTING)) {
        /* looked at again: who came first may have gone on meanwhile */
        const uint32_t life = __atomic_load_n(&cm_life, __ATOMIC_SEQ_CST);

        return life == CM_LIFE_UP ? OE_ALREADY_INITIALIZED : not_alive(life);
    }
    if (!cm_relocate()) {
        life_set(CM_LIFE_DOWN);
        return OE_INVALID_IMAGE;
    }
    cm_thread_init_tls();
    result = run(td, cm_start, arg);
    life_set(result == OE_OK ? CM_LIFE_UP : CM_LIFE_DOWN);
    return result;
}

/* Refused while any other TCS is in an ecall. Those that come meanwhile see ENDING (D1). */
static CM_NO_CANARY oe_result_t destroy(struct cm_td *td, uint64_t arg)
{
    oe_result_t result;

    if (!life_change(CM_LIFE_UP, CM_LIFE_ENDING)) {
        return not_alive(__atomic_load_n(&cm_life, __ATOMIC_SEQ_CST));
    }
    if (!cm_others_idle(td)) {
        life_set(CM_LIFE_UP);
        return OE_BUSY;
    }
    result = run(td, end, arg);
    life_set(CM_LIFE_DOWN);
    return result;
}

CM_NO_CANARY struct cm_eret cm_ecall_main(uint64_t word, uint64_t argument, uint64_t tcs)
{
    const uint32_t func = CM_CALL_FUNC(word);
    struct cm_eret eret = {0, 0};
    oe_result_t result = OE_UNEXPECTED;
    struct cm_td *td = cm_td();
    uint32_t life;

    if (td == NULL) {
        cm_thread_bind(tcs);
        td = cm_td();
    }
    if ((uint64_t)__builtin_frame_address(0) < td->stack_low) { /* not lowered by an exception */
        td->stack_low = (uint64_t)__builtin_frame_address(0);
    }
    if (func != CM_ECALL_CALL_FUNCTION) {
        td->stack_shape = (uint64_t)&of_start_and_end;
    }
    life = __atomic_load_n(&cm_life, __ATOMIC_SEQ_CST); /* after entry.S made this TCS busy */
    if (func == CM_ECALL_CALL_FUNCTION) {
        result = life == CM_LIFE_UP ? run(td, cm_call_function, argument) : not_alive(life);
    } else if (func == CM_ECALL_INIT) {
        result = init(td, argument);
    } else if (func == CM_ECALL_DESTRUCTOR) {
        result = destroy(td, argument);
    }
    eret.word = CM_CALL_WORD(CM_CODE_ERET, func, 0, (uint32_t)result);
    return eret;
}
