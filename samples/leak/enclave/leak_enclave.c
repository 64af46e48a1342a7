/*
 * Looking for memory that an enclave loses. It is linked with openenclave::oedebugmalloc, so that
 * terminating it lists every block that nobody has freed, and the functions below look at a part.
 */
#include <openenclave/corelibc/stdlib.h>
#include <openenclave/debugmalloc.h>
#include <openenclave/enclave.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "leak_t.h"

struct word {
    struct word *next;
    char *text;
};

static struct word *words;

/* the mistake: the copy of a word that is known already is not freed */
static oe_result_t remember(const char *begin, size_t len)
{
    char *copy = malloc(len + 1);
    struct word *w = NULL;

    if (copy == NULL) {
        return OE_OUT_OF_MEMORY;
    }
    memcpy(copy, begin, len);
    copy[len] = '\0';
    for (w = words; w != NULL; w = w->next) {
        if (strcmp(w->text, copy) == 0) {
            return OE_OK;
        }
    }
    w = malloc(sizeof(*w));
    if (w == NULL) {
        free(copy);
        return OE_OUT_OF_MEMORY;
    }
    w->text = copy;
    w->next = words;
    words = w;
    return OE_OK;
}

oe_result_t leak_count(const char *text, uint32_t *count)
{
    oe_result_t result = OE_OK;

    *count = 0;
    while (result == OE_OK && *text != '\0') {
        const size_t len = strcspn(text, " ");

        if (len != 0) {
            result = remember(text, len);
        }
        text += len + (text[len] != '\0');
    }
    for (const struct word *w = words; w != NULL; w = w->next) {
        (*count)++;
    }
    return result;
}

oe_result_t leak_explain(const char *text)
{
    uint64_t blocks = 0;
    uint32_t count = 0;
    char *report = NULL;
    oe_result_t result = oe_debug_malloc_tracking_start();

    if (result != OE_OK) {
        return result;
    }
    result = leak_count(text, &count);
    (void)oe_debug_malloc_tracking_stop();
    if (result == OE_OK) {
        result = oe_debug_malloc_tracking_report(&blocks, &report);
    }
    if (result == OE_OK) {
        (void)printf("%llu blocks are left:\n%s", (unsigned long long)blocks, report);
        oe_free(report);
    }
    return result;
}

/* what the enclave knows goes when it ends, so that only what is lost remains */
__attribute__((destructor)) static void forget(void)
{
    while (words != NULL) {
        struct word *w = words;

        words = w->next;
        free(w->text);
        free(w);
    }
}

OE_SET_ENCLAVE_SGX(1, /* product */
                   1, /* security version */
                   1, /* may be debugged */
                   1024, 16, 1);
