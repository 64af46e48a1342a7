/*
 * Types of POSIX under names of the SDK; on x86-64 they are the C library's own. Without
 * OE_NEED_STDC_NAMES: the standard's names come from sys/types.h.
 */
#ifndef _OE_CORELIBC_BITS_TYPES_H
#define _OE_CORELIBC_BITS_TYPES_H

#include "../../bits/edl/syscall_types.h"

OE_EXTERNC_BEGIN

typedef int64_t oe_intptr_t;
typedef int oe_pid_t;
typedef int64_t oe_time_t;
typedef int64_t oe_suseconds_t;
typedef uint16_t oe_in_port_t;
typedef uint32_t oe_in_addr_t;

OE_EXTERNC_END

#endif
