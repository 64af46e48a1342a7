/* What the host programs of the tests of protected files share. */
#ifndef CM_TESTS_PFS_KIT_H
#define CM_TESTS_PFS_KIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openenclave/host.h>

#include "pfs_u.h"
#include "work_kit.h"

/* One of the two enclaves, the same each time; NULL after a message. */
oe_enclave_t *kit_enclave(bool other);

/* All bytes of a host's file; the caller frees them. NULL: there is none. */
uint8_t *kit_load(const char *path, size_t *size);
bool kit_store(const char *path, const uint8_t *bytes, size_t size);

/* what ecalls give, -99999 when they could not be made */
int64_t kit_mount(oe_enclave_t *e, const char *folder, uint32_t key, uint8_t given,
                  const char *label, uint32_t flags);
int64_t kit_put(oe_enclave_t *e, const char *path, const char *text);
int64_t kit_get(oe_enclave_t *e, const char *path, char *text, size_t size);
int64_t kit_call(oe_enclave_t *e, const char *name, const char *path, const char *other);

#endif
