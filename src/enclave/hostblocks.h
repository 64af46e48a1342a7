/*
 * The enclave's own record of the host blocks it asked for, in enclave memory (C3). The runtime's
 * own blocks are live until it gives them back. An application's may have been handed over to the
 * host, which frees them without a word: those only count until the host gives out the same place.
 */
#ifndef CM_ENCLAVE_HOSTBLOCKS_H
#define CM_ENCLAVE_HOSTBLOCKS_H

#include <stdbool.h>
#include <stdint.h>

/* False when the block overlaps one of the runtime's own, or memory has run out. size is not 0. */
bool cm_host_block_add(uint64_t address, uint64_t size, bool own);

/* 0 when no block of the enclave's begins there. */
uint64_t cm_host_block_size(uint64_t address);
bool cm_host_block_remove(uint64_t address);

#endif
