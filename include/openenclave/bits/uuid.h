/* A UUID as the attestation and sealing APIs use it: 16 bytes, first byte first. */
#ifndef _OE_BITS_UUID_H
#define _OE_BITS_UUID_H

#include "types.h"

#define OE_UUID_SIZE 16

typedef struct _oe_uuid_t {
    uint8_t b[OE_UUID_SIZE];
} oe_uuid_t;

#endif
