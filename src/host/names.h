/*
 * Global numbers of ecall names. Every X_u.c keeps a static number for each of its wrappers; since
 * one host may use several enclaves, and one wrapper several enclaves in turn, the number stands
 * for the NAME and each enclave has its own table from it to the enclave's function id.
 */
#ifndef CM_HOST_NAMES_H
#define CM_HOST_NAMES_H

#include <casemate/status.h>
#include <stdint.h>

#define CM_NAME_NONE UINT64_MAX

/** The number of a name, given one when it has none. CM_ERR_NOMEM otherwise. Thread-safe. */
CM_MUST_USE enum cm_status cm_name_add(const char *name, uint64_t *id);

/** The number of a name, or CM_NAME_NONE. Thread-safe. */
uint64_t cm_name_find(const char *name);

/** Numbers given so far: every number is below. */
uint64_t cm_name_count(void);

#endif
