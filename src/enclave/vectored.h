/* The application's exception handlers. */
#ifndef CM_ENCLAVE_VECTORED_H
#define CM_ENCLAVE_VECTORED_H

#include <stdbool.h>
#include <stdint.h>

#include <openenclave/enclave.h>

bool cm_have_handlers(void);

/* OE_EXCEPTION_CONTINUE_SEARCH when none of them took it. */
uint64_t cm_ask_handlers(oe_exception_record_t *record);

#endif
