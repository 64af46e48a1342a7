/* See debugger.h. */
#include "host/debugger.h"

#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(offsetof(struct cm_debug_enclave, path) == 24, "as debuggers know it");
_Static_assert(offsetof(struct cm_debug_enclave, base) == 40, "as debuggers know it");
_Static_assert(offsetof(struct cm_debug_enclave, flags) == 72, "as debuggers know it");
_Static_assert(offsetof(struct cm_debug_enclave, image) == 88, "ours come behind");

uint32_t oe_debugger_contract_version = CM_DEBUG_ENCLAVE_VERSION;
struct cm_debug_enclave *oe_debug_enclaves_list;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* over the list */

/* Nothing to do: a debugger that stops here finds the argument in its register. */
__attribute__((noinline)) void oe_debug_enclave_created_hook(struct cm_debug_enclave *enclave)
{
    __asm__ volatile("" : : "r"(enclave) : "memory");
}

__attribute__((noinline)) void oe_debug_enclave_terminated_hook(struct cm_debug_enclave *enclave)
{
    __asm__ volatile("" : : "r"(enclave) : "memory");
}

struct cm_debug_enclave *cm_debugger_list(const oe_enclave_t *enclave, bool simulated)
{
    const size_t path_length = enclave->path == NULL ? 0 : strlen(enclave->path);
    struct cm_debug_enclave *d =
        malloc(sizeof(*d) + enclave->slot_count * sizeof(uint64_t) + path_length + 1);
    uint64_t *tcs;
    char *path;

    if (d == NULL) {
        return NULL;
    }
    tcs = (uint64_t *)(d + 1);
    for (uint32_t i = 0; i < enclave->slot_count; i++) {
        tcs[i] = enclave->tcs_first + i * enclave->tcs_stride;
    }
    path = (char *)(tcs + enclave->slot_count);
    if (path_length != 0) {
        memcpy(path, enclave->path, path_length);
    }
    path[path_length] = '\0';
    *d = (struct cm_debug_enclave){
        .magic = CM_DEBUG_ENCLAVE_MAGIC,
        .version = CM_DEBUG_ENCLAVE_VERSION,
        .path = path,
        .path_length = path_length,
        .base = enclave->base,
        .size = enclave->size,
        .tcs = tcs,
        .tcs_count = enclave->slot_count,
        .flags = CM_DEBUG_FLAG_DEBUG | (simulated ? CM_DEBUG_FLAG_SIMULATE : 0),
        .image = enclave->reserved,
    };
    (void)pthread_mutex_lock(&lock);
    d->next = oe_debug_enclaves_list;
    oe_debug_enclaves_list = d;
    (void)pthread_mutex_unlock(&lock);
    oe_debug_enclave_created_hook(d);
    return d;
}

void cm_debugger_forget(struct cm_debug_enclave *listed)
{
    if (listed == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&lock);
    for (struct cm_debug_enclave **at = &oe_debug_enclaves_list; *at != NULL; at = &(*at)->next) {
        if (*at == listed) {
            *at = listed->next;
            break;
        }
    }
    (void)pthread_mutex_unlock(&lock);
    oe_debug_enclave_terminated_hook(listed);
    free(listed);
}
