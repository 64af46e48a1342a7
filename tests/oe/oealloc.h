/* What the allocator of oealloc_enclave.c counts. */
#ifndef CM_TESTS_OEALLOC_H
#define CM_TESTS_OEALLOC_H

enum {
    ALLOC_INIT,
    ALLOC_CLEANUP,
    ALLOC_THREAD_INIT,
    ALLOC_THREAD_CLEANUP,
    ALLOC_CALLS,
    ALLOC_FREED,
    ALLOC_MEMALIGN,
    ALLOC_WRONG, /* called out of order */
    ALLOC_COUNTS
};

#endif
