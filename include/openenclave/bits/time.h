/* Times as the ocalls of openenclave/edl/time.edl carry them: oe_timespec. */
#ifndef _OE_BITS_TIME_H
#define _OE_BITS_TIME_H

#include "edl/syscall_types.h"

#endif
