/* What the headers of corelibc share; all of it is in bits/defs.h. */
#ifndef _OE_CORELIBC_BITS_DEFS_H
#define _OE_CORELIBC_BITS_DEFS_H

#include "../../bits/defs.h"

#endif
