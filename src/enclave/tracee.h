/* Messages of the trusted runtime; see openenclave/tracee.h for who gets them. */
#ifndef CM_ENCLAVE_TRACEE_H
#define CM_ENCLAVE_TRACEE_H

#include <openenclave/log.h>

/**
 * One line for whoever looks after this enclave: no secrets. Bytes of text that are not printable
 * ASCII become "?"; it is cut at some 200 characters. Anywhere in an ecall; from elsewhere nothing
 * happens.
 */
void cm_enclave_log(oe_log_level_t level, const char *text);

/** The level up to which messages may leave the enclave now. */
oe_log_level_t cm_enclave_log_level(void);

#endif
