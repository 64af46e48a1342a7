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

/* In one block: the entry, that of the module, the TCS, and both paths. */
struct listed {
    struct cm_debug_enclave enclave;
    struct cm_debug_module module;
    uint64_t tcs[];
};
_Static_assert(offsetof(struct cm_debug_module, path) == 24, "as debuggers know it");
_Static_assert(offsetof(struct cm_debug_module, base) == 40, "as debuggers know it");

/* The file beside the image; behind its path. */
static void fill_module(struct listed *l, const struct cm_loaded *loaded, char *room)
{
    const char *slash = strrchr(l->enclave.path, '/');
    const size_t folder = slash == NULL ? 0 : (size_t)(slash + 1 - l->enclave.path);

    memcpy(room, l->enclave.path, folder);
    memcpy(room + folder, loaded->module_name, strlen(loaded->module_name) + 1);
    l->module = (struct cm_debug_module){
        .magic = CM_DEBUG_MODULE_MAGIC,
        .version = CM_DEBUG_MODULE_VERSION,
        .path = room,
        .path_length = strlen(room),
        .base = l->enclave.image + loaded->module_base,
        .size = loaded->module_size,
        .enclave = &l->enclave,
    };
    l->enclave.modules = &l->module;
}

static void enlist(struct cm_debug_enclave *d)
{
    (void)pthread_mutex_lock(&lock);
    d->next = oe_debug_enclaves_list;
    oe_debug_enclaves_list = d;
    (void)pthread_mutex_unlock(&lock);
    oe_debug_enclave_created_hook(d);
}

struct cm_debug_enclave *cm_debugger_list(const oe_enclave_t *enclave,
                                          const struct cm_loaded *loaded)
{
    const bool simulated = enclave->device->emulated != 0;
    const size_t path_length = strlen(enclave->path);
    struct listed *l = malloc(sizeof(*l) + enclave->slot_count * sizeof(uint64_t) +
                              2 * (path_length + 1) + CM_MODULE_NAME_SIZE);
    char *path;

    if (l == NULL) {
        return NULL;
    }
    for (uint32_t i = 0; i < enclave->slot_count; i++) {
        l->tcs[i] = enclave->tcs_first + i * enclave->tcs_stride;
    }
    path = (char *)(l->tcs + enclave->slot_count);
    memcpy(path, enclave->path, path_length + 1);
    l->enclave = (struct cm_debug_enclave){
        .magic = CM_DEBUG_ENCLAVE_MAGIC,
        .version = CM_DEBUG_ENCLAVE_VERSION,
        .path = path,
        .path_length = path_length,
        .base = enclave->base,
        .size = enclave->size,
        .tcs = l->tcs,
        .tcs_count = enclave->slot_count,
        .flags = CM_DEBUG_FLAG_DEBUG | (simulated ? CM_DEBUG_FLAG_SIMULATE : 0),
        .image = enclave->reserved,
    };
    if (loaded->module_size != 0) {
        fill_module(l, loaded, path + path_length + 1);
    }
    enlist(&l->enclave);
    return &l->enclave;
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
