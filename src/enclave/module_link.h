/* The shared library that is part of the enclave (abi/module_block.h), if it is one of those that have one. */
#ifndef CM_ENCLAVE_MODULE_LINK_H
#define CM_ENCLAVE_MODULE_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "abi/module_block.h"

/* A word that a relocation fills: of any alignment, since packed structures have pointers, too. */
typedef uint64_t cm_any_word __attribute__((aligned(1), may_alias));

/* What the signer left; NULL: no module. It was measured and is read-only. Good before relocation. */
const struct cm_module_block *cm_module(void);

/*
 * Does what the block says: all relocations of the image that its RELR table does not hold, and all of
 * the module. limit: no target lies at or behind it. False: the block is none.
 */
bool cm_module_link(uint64_t limit);

/* Its constructors, in order; its destructors, last first. */
void cm_module_begin(void);
void cm_module_end(void);

#endif
