/* Measures against flaws of processors that code at the boundary takes itself. Enclave side. */
#ifndef _OE_BITS_SECURITY_H
#define _OE_BITS_SECURITY_H

#include "sgx/writebarrier.h"

#endif
