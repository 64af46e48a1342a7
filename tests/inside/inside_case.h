/*
 * Cases of code inside an enclave: each is a function that returns the number of failed checks and
 * uses nothing but the C library and OpenSSL, so that the same source runs under the test loader and
 * as an ecall.
 */
#ifndef CM_TESTS_INSIDE_CASE_H
#define CM_TESTS_INSIDE_CASE_H

#include <stdbool.h>
#include <stdio.h>

struct cm_case {
    const char *name;
    int (*run)(unsigned thread, unsigned threads);
};

/* Ends with an entry whose name is NULL; defined once in each image. */
extern const struct cm_case cm_cases[];

/* While true, the processor gives no random bytes (C5). */
extern bool cm_case_random_fails;

int cm_case_format(unsigned thread, unsigned threads);
int cm_case_strings(unsigned thread, unsigned threads);
int cm_case_heap(unsigned thread, unsigned threads);
int cm_case_time(unsigned thread, unsigned threads);
int cm_case_no_host(unsigned thread, unsigned threads);
int cm_case_getentropy(unsigned thread, unsigned threads);
int cm_case_locks(unsigned thread, unsigned threads);
int cm_case_keys(unsigned thread, unsigned threads);
int cm_case_streams(unsigned thread, unsigned threads);
int cm_case_hash(unsigned thread, unsigned threads);
int cm_case_cipher(unsigned thread, unsigned threads);
int cm_case_sign(unsigned thread, unsigned threads);
int cm_case_x509(unsigned thread, unsigned threads);
int cm_case_random(unsigned thread, unsigned threads);
int cm_case_tls(unsigned thread, unsigned threads);

#define CASE_CHECK(failed, cond)                                                    \
    do {                                                                            \
        if (!(cond)) {                                                              \
            (void)printf("  %s:%d: check failed: %s\n", __FILE__, __LINE__, #cond); \
            (failed)++;                                                             \
        }                                                                           \
    } while (0)

#endif
