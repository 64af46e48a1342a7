/* What the end-to-end tests share: the enclave, made as asked for, and the ocalls of e2e.edl. */
#ifndef CM_TESTS_E2E_H
#define CM_TESTS_E2E_H

#include <openenclave/host.h>

#include "e2e_u.h"

/* called by host_hook with its argument; per thread */
extern _Thread_local void (*e2e_hook)(uint64_t what);
extern _Thread_local uint64_t e2e_null_ocalls;

/* the signed test enclave, emulated, with DEBUG; NULL (and a failed check) when that fails */
oe_enclave_t *e2e_create(void);

/* The file of the signed test enclave. */
#define E2E_IMAGE E2E_DIR "/e2e_enclave.signed"

#endif
