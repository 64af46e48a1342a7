/* The host library's side of the loopback: ecalls by name, ocall table, gated host memory. */
#include "loopback.h"

#include <openenclave/edger8r/host.h>
#include <openenclave/host.h>
#include <stdio.h>
#include <sys/mman.h>

#define REGION_SIZE ((size_t)64 * 1024 * 1024)

struct block {
    size_t size;
    size_t live;
};

void (*loop_before_ecall)(const char *name, uint8_t *in, size_t in_size, size_t out_size);
void (*loop_after_ecall)(const char *name, uint8_t *out, size_t out_size);
void (*loop_after_ocall)(uint64_t id, uint8_t *out, size_t out_size, size_t *written);
void (*loop_after_copy_in)(void *host_src, size_t n);
void *loop_next_allocation;

static const oe_ocall_func_t *ocalls;
static uint32_t ocall_count;
static uint8_t *region;
static size_t region_used;
static size_t region_live;
static bool gate_is_closed;

static void open_gate(void)
{
    if (region != NULL && mprotect(region, REGION_SIZE, PROT_READ | PROT_WRITE) != 0) {
        abort();
    }
    gate_is_closed = false;
}

static void close_gate(void)
{
    if (region != NULL && mprotect(region, REGION_SIZE, PROT_NONE) != 0) {
        abort();
    }
    gate_is_closed = true;
}

void *loop_host_allocate(size_t size)
{
    size_t n = (size + 15) & ~(size_t)15;
    bool was_closed = gate_is_closed;
    uint8_t *p = NULL;

    if (loop_next_allocation != NULL) {
        p = (uint8_t *)loop_next_allocation;
        loop_next_allocation = NULL;
        return p;
    }
    if (region == NULL) {
        region = (uint8_t *)mmap(NULL, REGION_SIZE, PROT_READ | PROT_WRITE,
                                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (region == MAP_FAILED) {
            abort();
        }
    }
    open_gate();
    if (region_live == 0) {
        region_used = 0;
    }
    if (n >= size && n < REGION_SIZE && region_used < REGION_SIZE - n - 16) {
        struct block *b = (struct block *)(void *)(region + region_used);

        b->size = n;
        b->live = 1;
        p = region + region_used + 16;
        region_used += n + 16;
        region_live++;
    }
    if (was_closed) {
        close_gate();
    }
    return p;
}

void loop_host_release(void *ptr)
{
    bool was_closed = gate_is_closed;
    uint8_t *p = (uint8_t *)ptr;
    struct block *b = NULL;

    if (p == NULL) {
        return;
    }
    if (p < region + 16 || p >= region + REGION_SIZE) {
        (void)fprintf(stderr, "loopback: release of memory that is not the host's\n");
        abort();
    }
    open_gate();
    b = (struct block *)(void *)(p - 16);
    if (b->live != 1) {
        (void)fprintf(stderr, "loopback: released twice\n");
        abort();
    }
    b->live = 0;
    region_live--;
    if (was_closed) {
        close_gate();
    }
}

size_t loop_host_blocks(void)
{
    return region_live;
}

static oe_result_t ocall(uint64_t id, const void *in, size_t in_size, void *out, size_t out_size,
                         size_t *written)
{
    if (id >= ocall_count) {
        return OE_NOT_FOUND;
    }
    ocalls[id]((const uint8_t *)in, in_size, (uint8_t *)out, out_size, written);
    if (loop_after_ocall != NULL) {
        loop_after_ocall(id, (uint8_t *)out, out_size, written);
    }
    return OE_OK;
}

static void after_copy_in(void *host_src, size_t n)
{
    if (loop_after_copy_in != NULL) {
        loop_after_copy_in(host_src, n);
    }
}

static void *host_malloc(size_t size)
{
    void *p = loop_next_allocation;

    loop_next_allocation = NULL;
    return p != NULL ? p : malloc(size);
}

const struct loop_enclave *loop_peer(void)
{
    static const struct loop_host self = {
        loop_host_allocate, loop_host_release, host_malloc,  free, ocall,
        open_gate,          close_gate,        after_copy_in};
    static const struct loop_enclave *peer;

    if (peer == NULL) {
        peer = loop_connect(&self);
    }
    return peer;
}

oe_result_t oe_create_enclave(const char *path, oe_enclave_type_t type, uint32_t flags,
                              const oe_enclave_setting_t *settings, uint32_t setting_count,
                              const oe_ocall_func_t *ocall_table, uint32_t ocall_table_count,
                              const oe_ecall_info_t *ecall_names, uint32_t ecall_count,
                              oe_enclave_t **enclave)
{
    (void)path;
    (void)type;
    (void)flags;
    (void)settings;
    (void)setting_count;
    ocalls = ocall_table;
    ocall_count = ocall_table_count;
    for (uint32_t i = 0; i < ecall_count; i++) {
        if (loop_peer()->find(ecall_names[i].name) == SIZE_MAX) {
            return OE_NOT_FOUND;
        }
    }
    *enclave = (oe_enclave_t *)(void *)&ocalls; /* never looked into */
    return OE_OK;
}

oe_result_t oe_call_enclave_function(oe_enclave_t *enclave, uint64_t *global_id, const char *name,
                                     const void *input_buffer, size_t input_buffer_size,
                                     void *output_buffer, size_t output_buffer_size,
                                     size_t *output_bytes_written)
{
    oe_result_t result = OE_OK;

    if (enclave == NULL) {
        return OE_INVALID_PARAMETER;
    }
    if (*global_id == OE_GLOBAL_ECALL_ID_NULL) {
        *global_id = loop_peer()->find(name);
    }
    if (loop_before_ecall != NULL) {
        loop_before_ecall(name, OE_EDGER8R_PTR(uint8_t *, input_buffer), input_buffer_size,
                          output_buffer_size);
    }
    result = loop_peer()->enter(*global_id, input_buffer, input_buffer_size, output_buffer,
                                output_buffer_size, output_bytes_written);
    if (loop_after_ecall != NULL) {
        loop_after_ecall(name, (uint8_t *)output_buffer, output_buffer_size);
    }
    return result;
}

oe_result_t oe_switchless_call_enclave_function(oe_enclave_t *enclave, uint64_t *global_id,
                                                const char *name, const void *input_buffer,
                                                size_t input_buffer_size, void *output_buffer,
                                                size_t output_buffer_size,
                                                size_t *output_bytes_written)
{
    return oe_call_enclave_function(enclave, global_id, name, input_buffer, input_buffer_size,
                                    output_buffer, output_buffer_size, output_bytes_written);
}
