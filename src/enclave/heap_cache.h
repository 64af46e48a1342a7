/* A thread's own stock of free objects; part of its thread data. See heap.c. */
#ifndef CM_ENCLAVE_HEAP_CACHE_H
#define CM_ENCLAVE_HEAP_CACHE_H

#include <stdint.h>

#define CM_HEAP_CLASSES 32

/* The lists run through the objects, with links encoded by the heap's secret. All zero = empty. */
struct cm_heap_cache {
    uint64_t head[CM_HEAP_CLASSES];
    uint16_t count[CM_HEAP_CLASSES];
};

/* The calling thread's. Also notes how deep the stack is (D4): most deep code allocates. */
struct cm_heap_cache *cm_heap_cache_self(void);

#endif
