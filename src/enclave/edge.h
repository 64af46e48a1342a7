/*
 * The part of the runtime that generated code and applications see, as the runtime implements it;
 * openenclave/edger8r/enclave.h and openenclave/enclave.h declare the same to them.
 */
#ifndef CM_ENCLAVE_EDGE_H
#define CM_ENCLAVE_EDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openenclave/bits/result.h>
#include <openenclave/bits/types.h>

typedef void (*oe_ecall_func_t)(uint8_t *input, size_t input_size, uint8_t *output,
                                size_t output_size, size_t *written);
extern oe_ecall_func_t oe_ecalls_table[];
extern size_t oe_ecalls_table_size;
extern const char *const oe_ecalls_names[];

bool oe_is_within_enclave(const void *p, size_t n);
bool oe_is_outside_enclave(const void *p, size_t n);

void cm_copy_in(void *dst, const void *host_src, size_t n);
void cm_copy_out(void *host_dst, const void *src, size_t n);
void cm_zero_out(void *host_dst, size_t n);

oe_result_t oe_call_host_function(uint64_t function_id, const void *input, size_t input_size,
                                  void *output, size_t output_size, size_t *written);
oe_result_t oe_switchless_call_host_function(uint64_t function_id, const void *input,
                                             size_t input_size, void *output, size_t output_size,
                                             size_t *written);
void *oe_allocate_ocall_buffer(size_t size);
void oe_free_ocall_buffer(void *buffer);
void *oe_allocate_switchless_ocall_buffer(size_t size);
void oe_free_switchless_ocall_buffer(void *buffer);
oe_result_t oe_get_enclave_status(void);

oe_enclave_t *oe_get_enclave(void);
oe_result_t oe_random(void *data, size_t size);

void *oe_host_malloc(size_t size);
void *oe_host_calloc(size_t count, size_t size);
void *oe_host_realloc(void *ptr, size_t size);
void oe_host_free(void *ptr);
char *oe_host_strndup(const char *str, size_t n);

/* The block now belongs to the host, which will free it. */
void cm_host_disown(void *ptr);

void __oe_assert_fail(const char *expr, const char *file, int line, const char *function);

#endif
