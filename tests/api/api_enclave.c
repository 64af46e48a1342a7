/* The enclave of tests/api: logs as an application would, and as a hostile one would. */
#include <openenclave/advanced/mallinfo.h>
#include <openenclave/enclave.h>
#include <openenclave/tracee.h>
#include <stdlib.h>
#include <string.h>

#include "api_t.h"

enum { HEAP_PAGES = 64 };

static int context;
static size_t calls;
static char last_text[200];
static oe_log_level_t last_level;
static bool last_context;

/* itself does what logs: it must not be called for that */
static void on_log(void *ctx, oe_log_level_t level, uint64_t thread_id, const char *message)
{
    calls++;
    last_context = ctx == &context && thread_id != 0;
    last_level = level;
    (void)strncpy(last_text, message, sizeof(last_text) - 1);
    (void)oe_enclave_log_set_callback(&context, on_log);
}

oe_result_t api_say(uint32_t level, const char *text)
{
    return oe_log_ocall(level, text);
}

oe_result_t api_set_callback(bool on)
{
    return oe_enclave_log_set_callback(on ? &context : NULL, on ? on_log : NULL);
}

size_t api_last_log(char *text, uint32_t *level, bool *same_context)
{
    memcpy(text, last_text, sizeof(last_text));
    *level = last_level;
    *same_context = last_context;
    return calls;
}

/* 0, or the line that is wrong */
int api_mallinfo(void)
{
    enum { SIZE = 64 * 1024 };
    oe_mallinfo_t before;
    oe_mallinfo_t during;
    oe_mallinfo_t after;
    void *volatile block;

    if (oe_allocator_mallinfo(NULL) != OE_INVALID_PARAMETER ||
        oe_allocator_mallinfo(&before) != OE_OK) {
        return __LINE__;
    }
    block = malloc(SIZE);
    if (block == NULL || oe_allocator_mallinfo(&during) != OE_OK) {
        return __LINE__;
    }
    free(block);
    if (oe_allocator_mallinfo(&after) != OE_OK) {
        return __LINE__;
    }
    if (during.current_allocated_heap_size != before.current_allocated_heap_size + SIZE ||
        after.current_allocated_heap_size != before.current_allocated_heap_size) {
        return __LINE__;
    }
    if (after.peak_allocated_heap_size < during.current_allocated_heap_size ||
        after.max_total_heap_size != before.max_total_heap_size) {
        return __LINE__;
    }
    /* what OE_SET_ENCLAVE_SGX below gives it */
    return after.max_total_heap_size == (size_t)HEAP_PAGES * OE_PAGE_SIZE ? 0 : __LINE__;
}

OE_SET_ENCLAVE_SGX(1, 1, true, HEAP_PAGES, 16, 2);
