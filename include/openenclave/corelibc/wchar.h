/*
 * Wide strings under names of the SDK. Enclave side; with OE_NEED_STDC_NAMES defined also under the
 * standard's names.
 */
#ifndef _OE_CORELIBC_WCHAR_H
#define _OE_CORELIBC_WCHAR_H

#include "../bits/defs.h"
#include "../bits/types.h"

OE_EXTERNC_BEGIN

/** As wcslen(): wide characters in front of the terminator. */
size_t oe_wcslen(const wchar_t *s);

#if defined(OE_NEED_STDC_NAMES)
size_t wcslen(const wchar_t *s);
#endif

OE_EXTERNC_END

#endif
