/*
 * openenclave/corelibc: the SDK's own names for functions that the C library has. An application uses
 * either name, so each does exactly what the other does.
 */
#include <openenclave/corelibc/errno.h>
#include <openenclave/corelibc/stdlib.h>
#include <openenclave/corelibc/string.h>
#include <openenclave/corelibc/wchar.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

int *__oe_errno_location(void)
{
    return &errno;
}

unsigned long int oe_strtoul(const char *nptr, char **endptr, int base)
{
    return strtoul(nptr, endptr, base);
}

size_t oe_strlen(const char *s)
{
    return strlen(s);
}

int oe_strcmp(const char *s1, const char *s2)
{
    return strcmp(s1, s2);
}

int oe_strncmp(const char *s1, const char *s2, size_t n)
{
    return strncmp(s1, s2, n);
}

char *oe_strstr(const char *haystack, const char *needle)
{
    return strstr(haystack, needle);
}

size_t oe_strspn(const char *s, const char *accept)
{
    return strspn(s, accept);
}

size_t oe_strcspn(const char *s, const char *reject)
{
    return strcspn(s, reject);
}

char *oe_strchr(const char *s, int c)
{
    return strchr(s, c);
}

char *oe_strrchr(const char *s, int c)
{
    return strrchr(s, c);
}

char *oe_strchrnul(const char *s, int c)
{
    return strchrnul(s, c);
}

char *oe_strtok_r(char *str, const char *delim, char **saveptr)
{
    return strtok_r(str, delim, saveptr);
}

size_t oe_strlcpy(char *dest, const char *src, size_t size)
{
    return strlcpy(dest, src, size);
}

size_t oe_strlcat(char *dest, const char *src, size_t size)
{
    return strlcat(dest, src, size);
}

char *oe_strdup(const char *s)
{
    return strdup(s);
}

char *oe_strerror(int errnum)
{
    return strerror(errnum);
}

int oe_strerror_r(int errnum, char *buf, size_t buflen)
{
    return strerror_r(errnum, buf, buflen);
}

size_t oe_wcslen(const wchar_t *s)
{
    return wcslen(s);
}
