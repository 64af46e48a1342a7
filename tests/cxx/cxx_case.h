/* The cases of C++ inside an enclave; run as those of tests/inside are, whose table they stand in. */
#ifndef CM_TESTS_CXX_CASE_H
#define CM_TESTS_CXX_CASE_H

#ifdef __cplusplus
extern "C" {
#endif

#include "inside_case.h"

int cm_cxx_exceptions(unsigned thread, unsigned threads);
int cm_cxx_types(unsigned thread, unsigned threads);
int cm_cxx_memory(unsigned thread, unsigned threads);
int cm_cxx_library(unsigned thread, unsigned threads);
int cm_cxx_eleven(unsigned thread, unsigned threads);
int cm_cxx_iostream(unsigned thread, unsigned threads);
int cm_cxx_locale(unsigned thread, unsigned threads);
int cm_cxx_regex(unsigned thread, unsigned threads);
int cm_cxx_random(unsigned thread, unsigned threads);
int cm_cxx_host(unsigned thread, unsigned threads);
int cm_cxx_statics(unsigned thread, unsigned threads);
int cm_cxx_thread_local(unsigned thread, unsigned threads);
int cm_cxx_locks(unsigned thread, unsigned threads);
int cm_cxx_atomics(unsigned thread, unsigned threads);

#ifdef __cplusplus
}
#endif

#endif
