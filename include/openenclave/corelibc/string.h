/*
 * Strings under names of the SDK. Enclave side; with OE_NEED_STDC_NAMES defined also under the
 * standard's names, which are the C library's own functions and may be declared beside its headers.
 */
#ifndef _OE_CORELIBC_STRING_H
#define _OE_CORELIBC_STRING_H

#include "../bits/defs.h"
#include "../bits/types.h"

OE_EXTERNC_BEGIN

/* These have no other name. */
int memcmp(const void *vl, const void *vr, size_t n);
void *memcpy(void *dest, const void *src, size_t n);
void *memmove(void *dest, const void *src, size_t n);
void *memset(void *dest, int c, size_t n);

/** As their namesakes in the C library, for terminated strings. Thread-safe. */
size_t oe_strlen(const char *s);
int oe_strcmp(const char *s1, const char *s2);
int oe_strncmp(const char *s1, const char *s2, size_t n);
char *oe_strstr(const char *haystack, const char *needle);
size_t oe_strspn(const char *s, const char *accept);
size_t oe_strcspn(const char *s, const char *reject);
char *oe_strchr(const char *s, int c);
char *oe_strrchr(const char *s, int c);

/** As strchr(), and the terminator where there is no such character. */
char *oe_strchrnul(const char *s, int c);

/** Parts of str between characters of delim, one a call; writes into str. State is *saveptr alone. */
char *oe_strtok_r(char *str, const char *delim, char **saveptr);

/**
 * Copy, or append, so much as fits and always a terminator.
 *
 * @param size  Of dest, in bytes; 0: nothing is written.
 * @return      The length that the whole result would have: it was cut where that is >= size.
 */
size_t oe_strlcpy(char *dest, const char *src, size_t size);
size_t oe_strlcat(char *dest, const char *src, size_t size);

/** A copy, to be freed with oe_free(); NULL when memory ran out. */
char *oe_strdup(const char *s);

/** The text of an error number; never NULL, not to be changed. */
char *oe_strerror(int errnum);

/** The same into buf: 0, or OE_ERANGE where it was cut. */
int oe_strerror_r(int errnum, char *buf, size_t buflen);

#if defined(OE_NEED_STDC_NAMES)
size_t strlen(const char *s);
int strcmp(const char *s1, const char *s2);
int strncmp(const char *s1, const char *s2, size_t n);
char *strstr(const char *haystack, const char *needle);
size_t strspn(const char *s, const char *accept);
size_t strcspn(const char *s, const char *reject);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);
char *strchrnul(const char *s, int c);
char *strtok_r(char *str, const char *delim, char **saveptr);
size_t strlcpy(char *dest, const char *src, size_t size);
size_t strlcat(char *dest, const char *src, size_t size);
char *strdup(const char *s);
char *strerror(int errnum);
int strerror_r(int errnum, char *buf, size_t buflen);
#endif

OE_EXTERNC_END

#endif
