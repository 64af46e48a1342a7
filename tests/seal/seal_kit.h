/* What the sealing tests share: loading the images, sealing and opening through an enclave. */
#ifndef CM_TESTS_SEAL_KIT_H
#define CM_TESTS_SEAL_KIT_H

#include <openenclave/host.h>
#include <openenclave/sgx/seal.h>

#include "seal_u.h"

#define PRODUCTION OE_ENCLAVE_FLAG_SIMULATE
#define DEBUGGED   (OE_ENCLAVE_FLAG_SIMULATE | OE_ENCLAVE_FLAG_DEBUG)

enum { HEADER = 560, CAP = 4096, TEXT_SIZE = 38 };

/* what is sealed */
extern const uint8_t kit_text[TEXT_SIZE];

struct blob {
    uint8_t bytes[CAP];
    size_t size;
};

seal_item number(int type, uint64_t value);
seal_item bytes_of(int type, const void *p, size_t n);
seal_item policy(oe_seal_policy_t p);

/* NULL after a message. config_id NULL: without configuration data. */
oe_enclave_t *load_with(const char *image, uint32_t flags, const char *config_id,
                        uint16_t config_svn);
oe_enclave_t *load(const char *image, uint32_t flags);

oe_result_t seal_aad(oe_enclave_t *e, const seal_item *items, size_t count, const char *aad,
                     struct blob *out);
oe_result_t seal_with(oe_enclave_t *e, const seal_item *items, size_t count, struct blob *out);

/* OE_OK only if what comes out is the text. */
oe_result_t open_aad(oe_enclave_t *e, const struct blob *b, const char *aad);
oe_result_t opens(oe_enclave_t *e, const struct blob *b);

#endif
