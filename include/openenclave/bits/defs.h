/*
 * Macros of the public enclave API: linkage, attributes, sizes, static checks.
 * Usable from C99, C11 and C++11 on both sides of the boundary.
 */
#ifndef _OE_BITS_DEFS_H
#define _OE_BITS_DEFS_H

#ifndef OE_API_VERSION
#define OE_API_VERSION 2
#elif OE_API_VERSION != 2
#error "only OE_API_VERSION 2 exists"
#endif

#ifdef __cplusplus
#define OE_EXTERNC       extern "C"
#define OE_EXTERNC_BEGIN extern "C" {
#define OE_EXTERNC_END   }
#else
#define OE_EXTERNC
#define OE_EXTERNC_BEGIN
#define OE_EXTERNC_END
#endif

#define OE_EXPORT __attribute__((visibility("default")))
#ifdef __cplusplus
#define OE_EXPORT_CONST OE_EXPORT extern const
#else
#define OE_EXPORT_CONST OE_EXPORT const
#endif

#define OE_INLINE                static __inline__
#define OE_ALWAYS_INLINE         static __inline__ __attribute__((always_inline))
#define OE_NEVER_INLINE          __attribute__((noinline))
#define OE_NO_RETURN             __attribute__((__noreturn__))
#define OE_RETURNS_TWICE         __attribute__((returns_twice))

#define OE_PRINTF_FORMAT(N, M)   __attribute__((format(printf, N, M)))
#define OE_UNUSED(P)             (void)(P)
#define OE_UNUSED_ATTRIBUTE      __attribute__((unused))
#define OE_UNUSED_FUNC           __attribute__((unused))
#define OE_USED                  __attribute__((__used__))
#define OE_ALIGNED(BYTES)        __attribute__((aligned(BYTES)))
#define OE_WEAK                  __attribute__((weak))
#define OE_DEPRECATED(FUNC, MSG) FUNC __attribute__((deprecated(MSG)))

/* OLD under the further, weak name NEW */
#ifdef __cplusplus
#define OE_WEAK_ALIAS(OLD, NEW) extern "C" __typeof(OLD) NEW __attribute__((weak, alias(#OLD)))
#else
#define OE_WEAK_ALIAS(OLD, NEW) extern __typeof(OLD) NEW __attribute__((weak, alias(#OLD)))
#endif

#define OE_COUNTOF(ARR)            (sizeof(ARR) / sizeof((ARR)[0]))
#define OE_OFFSETOF(TYPE, MEMBER)  __builtin_offsetof(TYPE, MEMBER)
#define OE_FIELD_SIZE(TYPE, FIELD) sizeof(((TYPE *)0)->FIELD)

#define OE_PACK_BEGIN              _Pragma("pack(push, 1)")
#define OE_PACK_END                _Pragma("pack(pop)")

/* an array of unknown size at the end of a structure */
#define OE_ZERO_SIZED_ARRAY __extension__ /* T name[0]; C++ has no flexible array members */

#define __OE_CONCAT(X, Y)   X##Y
#define OE_CONCAT(X, Y)     __OE_CONCAT(X, Y)

#if defined(__cplusplus)
#define OE_STATIC_ASSERT(COND) static_assert((COND), #COND)
#elif defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L
#define OE_STATIC_ASSERT(COND) _Static_assert((COND), #COND)
#else
#define OE_STATIC_ASSERT(COND)                         \
    typedef unsigned char OE_CONCAT(oe_static_assert_, \
                                    __COUNTER__)[(COND) ? 1 : -1] OE_UNUSED_ATTRIBUTE
#endif
#define OE_CHECK_SIZE(N, M) OE_STATIC_ASSERT((N) == (M))
#define OE_CHECK_FIELD(T1, T2, F)                               \
    OE_STATIC_ASSERT(OE_OFFSETOF(T1, F) == OE_OFFSETOF(T2, F)); \
    OE_STATIC_ASSERT(sizeof(((T1 *)0)->F) == sizeof(((T2 *)0)->F));

/* makes an enumeration four bytes wide and unsigned (hence __extension__ at such types) */
#define OE_ENUM_MAX  0xffffffff

#define OE_PAGE_SIZE 0x1000

#if defined(__clang__)
#define OE_NO_OPTIMIZE_BEGIN _Pragma("clang optimize off")
#define OE_NO_OPTIMIZE_END   _Pragma("clang optimize on")
#else
#define OE_NO_OPTIMIZE_BEGIN _Pragma("GCC push_options") _Pragma("GCC optimize(\"O0\")")
#define OE_NO_OPTIMIZE_END   _Pragma("GCC pop_options")
#endif

#endif
