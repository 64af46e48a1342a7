/* The enclave's own record of the host blocks it holds: address and size, in enclave memory. */
#ifndef CM_ENCLAVE_HOSTBLOCKS_H
#define CM_ENCLAVE_HOSTBLOCKS_H

#include <stdbool.h>
#include <stdint.h>

/* False when the block overlaps one that is held, or memory has run out. size is not 0. */
bool cm_host_block_add(uint64_t address, uint64_t size);

/* 0 when no block of the enclave's begins there. */
uint64_t cm_host_block_size(uint64_t address);
bool cm_host_block_remove(uint64_t address);

#endif
