/* AES-128-CMAC for the leaves: see emu_cmac.c for why there is a second one. */
#ifndef CM_SGXEMU_CMAC_H
#define CM_SGXEMU_CMAC_H

#include <stdbool.h>
#include <stdint.h>

#include "common/span.h"

/**
 * NIST SP 800-38B with AES-128. Cannot fail; allocates nothing, takes no lock, makes no call outside
 * this library: may run in a signal that has interrupted anything. Keys leave no copy on the stack.
 */
void cm_emu_cmac(const uint8_t key[16], struct cm_span data, uint8_t out[16]);

/** The same with the processor's AES instructions, which it must have, or without: for tests. */
void cm_emu_cmac_by(bool ni, const uint8_t key[16], struct cm_span data, uint8_t out[16]);

#endif
