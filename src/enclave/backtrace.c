/*
 * casemate/backtrace.h: addresses from the stack, names from the host. What the host says is text for
 * people and nothing else; it is copied in once, and each name ends where its room ends.
 */
#include <casemate/backtrace.h>

#include <string.h>

#include "arch/sgx.h"
#include "enclave/edge.h"
#include "enclave/frames.h"
#include "enclave/internal.h"
#include "enclave/runtime.h"
#include "enclave/sgxkey.h"

enum { STDERR = 1 };

__attribute__((noinline)) int oe_backtrace(void **buffer, int size)
{
    if (buffer == NULL || size <= 0) {
        return 0;
    }
    return (int)cm_frames(0, (uint64_t)__builtin_frame_address(0), (uint64_t *)buffer,
                          (size_t)size);
}

static void put_address(char *out, uint64_t address)
{
    static const char digits[] = "0123456789abcdef";
    int shift = 60;

    *out++ = '0';
    *out++ = 'x';
    while (shift > 0 && address >> shift == 0) {
        shift -= 4;
    }
    for (; shift >= 0; shift -= 4) {
        *out++ = digits[address >> shift & 15];
    }
    *out = '\0';
}

/* Printable, terminated; where the host has no name, the address. */
static void make_presentable(char name[CM_SYMBOL_SIZE], uint64_t address)
{
    name[CM_SYMBOL_SIZE - 1] = '\0';
    for (char *c = name; *c != '\0'; c++) {
        if (*c < ' ' || *c > '~') {
            *c = '?';
        }
    }
    if (name[0] == '\0') {
        put_address(name, address);
    }
}

/* names: count times CM_SYMBOL_SIZE bytes, zero. Stay so when the host does not answer. */
static void ask_host(void *const *addresses, size_t count, char *names)
{
    struct cm_symbols_args args = {.count = count};
    uint8_t *host =
        oe_allocate_ocall_buffer(sizeof(args) + count * (sizeof(uint64_t) + CM_SYMBOL_SIZE));

    if (host == NULL) {
        return;
    }
    args.addresses = (uint64_t)host + sizeof(args);
    args.names = args.addresses + count * sizeof(uint64_t);
    cm_copy_out(host, &args, sizeof(args));
    cm_copy_out(host + sizeof(args), addresses, count * sizeof(uint64_t));
    cm_copy_out(host + sizeof(args) + count * sizeof(uint64_t), names, count * CM_SYMBOL_SIZE);
    if (oe_ocall(CM_OCALL_SYMBOLS, (uint64_t)host, NULL) == OE_OK) {
        cm_copy_in(names, host + sizeof(args) + count * sizeof(uint64_t), count * CM_SYMBOL_SIZE);
    }
    oe_free_ocall_buffer(host);
}

char **oe_backtrace_symbols(void *const *buffer, int size)
{
    const size_t count = (size_t)size;
    char **symbols;
    char *names;

    if (buffer == NULL || size <= 0 || size > OE_BACKTRACE_MAX) {
        return NULL;
    }
    symbols = oe_allocator_calloc(count, sizeof(*symbols) + CM_SYMBOL_SIZE);
    if (symbols == NULL) {
        return NULL;
    }
    names = (char *)(symbols + count);
    if ((cm_attribute_flags() & SGX_ATTR_DEBUG) != 0) {
        ask_host(buffer, count, names);
    }
    for (size_t i = 0; i < count; i++) {
        symbols[i] = names + i * CM_SYMBOL_SIZE;
        make_presentable(symbols[i], (uint64_t)buffer[i]);
    }
    return symbols;
}

void oe_backtrace_symbols_free(char **symbols)
{
    oe_allocator_free(symbols);
}

oe_result_t oe_print_backtrace(void)
{
    void *frames[OE_BACKTRACE_MAX];
    const int count = oe_backtrace(frames, OE_BACKTRACE_MAX);
    char **symbols = oe_backtrace_symbols(frames, count);

    if (symbols == NULL) {
        return OE_OUT_OF_MEMORY;
    }
    for (int i = 0; i < count; i++) {
        const size_t len = strlen(symbols[i]);

        symbols[i][len] = '\n'; /* in place of the terminator: the room is ours */
        cm_host_write(STDERR, symbols[i], len + 1);
    }
    oe_backtrace_symbols_free(symbols);
    return OE_OK;
}
