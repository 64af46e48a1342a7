/*
 * What the debugging heap says: names of functions for people. Only an enclave with the DEBUG attribute
 * tells the host where a block came from; any other tells how much was left, and what was wrong.
 */
#include <openenclave/debugmalloc.h>

#include <string.h>

#include <casemate/backtrace.h>

#include "abi/call.h"
#include "arch/sgx.h"
#include "enclave/debugheap_block.h"
#include "enclave/runtime.h"
#include "enclave/sgxkey.h"

enum {
    STDOUT = 0,
    STDERR = 1,
    LINE_MAX = CM_SYMBOL_SIZE + 24,
    LISTED_MAX = 32, /* blocks whose functions are named at the end */
    PAGE = 4096,
};

struct line {
    char text[LINE_MAX];
    size_t len;
};

static void add(struct line *l, const char *text)
{
    const size_t n = strnlen(text, LINE_MAX - l->len);

    memcpy(l->text + l->len, text, n);
    l->len += n;
}

static void add_number(struct line *l, uint64_t value, unsigned base)
{
    char digits[24];
    size_t n = sizeof(digits) - 1;

    digits[n] = '\0';
    do {
        digits[--n] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    add(l, digits + n);
}

/* Gives each function's line to `take`: "name(): 0x1234". False when memory ran out. */
static bool each_function(const uint64_t *frames, size_t count,
                          bool (*take)(void *, const struct line *), void *context)
{
    char **names = oe_backtrace_symbols((void *const *)frames, (int)count);
    bool good = names != NULL || count == 0;

    for (size_t i = 0; good && i < count; i++) {
        struct line l = {"", 0};

        add(&l, names[i]);
        add(&l, "(): 0x");
        add_number(&l, frames[i], 16);
        add(&l, "\n");
        good = take(context, &l);
    }
    oe_backtrace_symbols_free(names);
    return good;
}

/* ------------------------------------------------------------------- to the host */

static bool to_device(void *context, const struct line *l)
{
    cm_host_write(*(const int *)context, l->text, l->len);
    return true;
}

static void write_functions(int device, const char *head, const uint64_t *frames, size_t count)
{
    if (count != 0 && (cm_attribute_flags() & SGX_ATTR_DEBUG) != 0) {
        cm_host_write(device, head, strlen(head));
        (void)each_function(frames, count, to_device, &device);
    }
}

static void say(int device, const char *head, uint64_t bytes, const char *middle, uint64_t count,
                const char *end)
{
    struct line l = {"", 0};

    add(&l, head);
    add_number(&l, bytes, 10);
    add(&l, middle);
    if (count != 0) {
        add_number(&l, count, 10);
    }
    add(&l, end);
    cm_host_write(device, l.text, l.len);
}

void cm_dheap_die(const char *what, const struct cm_dreport *block)
{
    say(STDERR, "debug malloc: block of ", block->size, " bytes: ", 0, "");
    cm_host_write(STDERR, what, strlen(what));
    cm_host_write(STDERR, "\n", 1);
    write_functions(STDERR, "it was allocated by\n", block->frames, block->frame_count);
    write_functions(STDERR, "it was freed by\n", block->freed_frames, block->freed_count);
    cm_abort_with(CM_ABORT_WRITTEN);
}

void cm_dheap_leaks(void)
{
    struct cm_dreport *blocks = oe_allocator_calloc(LISTED_MAX, sizeof(*blocks));
    size_t bytes = 0;
    const size_t count = cm_dheap_list(false, blocks, blocks == NULL ? 0 : LISTED_MAX, &bytes);

    say(STDOUT, "=== debug malloc: ", bytes, " bytes in ", count, " blocks were not freed\n");
    for (size_t i = 0; blocks != NULL && i < count && i < LISTED_MAX; i++) {
        say(STDOUT, "", blocks[i].size, " bytes", 0, "\n");
        write_functions(STDOUT, "", blocks[i].frames, blocks[i].frame_count);
    }
    if (blocks != NULL && count > LISTED_MAX) {
        say(STDOUT, "and ", count - LISTED_MAX, " older blocks", 0, "\n");
    }
    oe_allocator_free(blocks);
}

/* --------------------------------------------------------------- to the application */

struct text {
    char *bytes; /* the runtime's, so that it is nobody's leak */
    size_t used;
    size_t room;
};

static bool to_text(void *context, const struct line *l)
{
    struct text *t = context;

    if (t->room - t->used <= l->len) {
        char *more = oe_allocator_realloc(t->bytes, t->room + PAGE);

        if (more == NULL) {
            return false;
        }
        t->bytes = more;
        t->room += PAGE;
    }
    memcpy(t->bytes + t->used, l->text, l->len);
    t->used += l->len;
    t->bytes[t->used] = '\0';
    return true;
}

static oe_result_t describe(const struct cm_dreport *blocks, size_t count, struct text *t)
{
    static const struct line empty = {"", 0};
    static const struct line gap = {"\n", 1};
    bool good = to_text(t, &empty);

    for (size_t i = 0; good && i < count; i++) {
        good =
            each_function(blocks[i].frames, blocks[i].frame_count, to_text, t) && to_text(t, &gap);
    }
    return good ? OE_OK : OE_OUT_OF_MEMORY;
}

oe_result_t oe_debug_malloc_tracking_report(uint64_t *out_object_count, char **report)
{
    struct text t = {NULL, 0, 0};
    struct cm_dreport *blocks = NULL;
    oe_result_t result = OE_OUT_OF_MEMORY;
    size_t count;
    char *copy = NULL;

    if (out_object_count == NULL || report == NULL) {
        return OE_INVALID_PARAMETER;
    }
    count = cm_dheap_list(true, NULL, 0, NULL);
    blocks = oe_allocator_calloc(count + 1, sizeof(*blocks));
    if (blocks != NULL) {
        /* other threads may have freed some, or made more */
        const size_t now = cm_dheap_list(true, blocks, count, NULL);

        count = now < count ? now : count;
        result = describe(blocks, count, &t);
    }
    if (result == OE_OK) {
        copy = cm_dheap_text(t.used + 1);
        result = copy == NULL ? OE_OUT_OF_MEMORY : OE_OK;
    }
    if (result == OE_OK) {
        memcpy(copy, t.bytes, t.used + 1);
        *out_object_count = count;
        *report = copy;
    }
    oe_allocator_free(t.bytes);
    oe_allocator_free(blocks);
    return result;
}
