/* What the host programs of the syscall tests share. */
#ifndef CM_TESTS_SYSCALL_KIT_H
#define CM_TESTS_SYSCALL_KIT_H

#include <stdbool.h>
#include <stddef.h>

#include <openenclave/host.h>

#include "syscall_u.h"
#include "work_kit.h"

enum { KIT_LOG = 65536 };

/* The enclave, set up; NULL after a message. The same one each time. */
oe_enclave_t *kit_enclave(void);

#endif
