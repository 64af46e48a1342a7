/*
 * Limits under names of the SDK. Those of the types are in bits/types.h. Enclave side; with
 * OE_NEED_STDC_NAMES defined also under the standard's names, unless limits.h has defined them.
 */
#ifndef _OE_CORELIBC_LIMITS_H
#define _OE_CORELIBC_LIMITS_H

#include "../bits/types.h"

#define OE_PATH_MAX    4096 /**< bytes of a path, its terminator included */
#define OE_NGROUPS_MAX 32   /**< groups that getgroups() may answer */
#define OE_IOV_MAX     1024 /**< parts of one readv() or writev() */

#if defined(OE_NEED_STDC_NAMES) && !defined(INT_MAX)
#define SCHAR_MIN  OE_SCHAR_MIN
#define SCHAR_MAX  OE_SCHAR_MAX
#define UCHAR_MAX  OE_UCHAR_MAX
#define CHAR_MIN   OE_CHAR_MIN
#define CHAR_MAX   OE_CHAR_MAX
#define CHAR_BIT   OE_CHAR_BIT
#define SHRT_MIN   OE_SHRT_MIN
#define SHRT_MAX   OE_SHRT_MAX
#define USHRT_MAX  OE_USHRT_MAX
#define INT_MIN    OE_INT_MIN
#define INT_MAX    OE_INT_MAX
#define UINT_MAX   OE_UINT_MAX
#define LONG_MIN   OE_LONG_MIN
#define LONG_MAX   OE_LONG_MAX
#define ULONG_MAX  OE_ULONG_MAX
#define LLONG_MIN  OE_LLONG_MIN
#define LLONG_MAX  OE_LLONG_MAX
#define ULLONG_MAX OE_ULLONG_MAX
#endif
#if defined(OE_NEED_STDC_NAMES) && !defined(PATH_MAX)
#define PATH_MAX OE_PATH_MAX
#endif
#if defined(OE_NEED_STDC_NAMES) && !defined(NGROUPS_MAX)
#define NGROUPS_MAX OE_NGROUPS_MAX
#endif
#if defined(OE_NEED_STDC_NAMES) && !defined(IOV_MAX)
#define IOV_MAX OE_IOV_MAX
#endif

#endif
