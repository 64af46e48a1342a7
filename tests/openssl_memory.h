/* OpenSSL's allocations fail like the program's own. Include after harness.h. */
#ifndef CM_TESTS_OPENSSL_MEMORY_H
#define CM_TESTS_OPENSSL_MEMORY_H

#include <openssl/crypto.h>

static void *test_malloc(size_t n, const char *file, int line)
{
    (void)file;
    (void)line;
    return malloc(n);
}

static void *test_realloc(void *p, size_t n, const char *file, int line)
{
    (void)file;
    (void)line;
    return realloc(p, n);
}

static void test_free(void *p, const char *file, int line)
{
    (void)file;
    (void)line;
    free(p);
}

/* before OpenSSL allocates anything */
__attribute__((constructor(101))) static void use_harness_allocator(void)
{
    if (CRYPTO_set_mem_functions(test_malloc, test_realloc, test_free) != 1) {
        abort();
    }
}

#endif
