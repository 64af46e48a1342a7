/*
 * Names for addresses inside an enclave, from its image file: for backtraces. For people only: whoever can
 * change the file after it was loaded changes the names.
 */
#ifndef CM_HOST_SYMBOLS_H
#define CM_HOST_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/call.h"
#include "host/handle.h"

/**
 * @param addresses  count of them, inside the enclave or not.
 * @param names      count rooms of CM_SYMBOL_SIZE bytes. Each gets a function's name, cut where it must
 *                   be, or "" where none is known; always with a terminator.
 * @param offsets    NULL, or count numbers: of each address from the function's first byte.
 *
 * Reads the file anew. When that fails, or memory runs out, every name is "".
 */
void cm_symbols_find(const oe_enclave_t *enclave, const uint64_t *addresses, size_t count,
                     char (*names)[CM_SYMBOL_SIZE], uint64_t *offsets);

/** Log which functions these return addresses belong to, innermost first, one a message. */
void cm_symbols_log(const oe_enclave_t *enclave, const uint64_t *addresses, size_t count);

#endif
