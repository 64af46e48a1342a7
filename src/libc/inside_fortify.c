/*
 * glibc's _FORTIFY_SOURCE checks, which Debian's libraries that run inside (OpenSSL, libc++, mbedTLS)
 * were compiled with, on top of musl: a length beyond the known size of the destination stops the
 * enclave.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

void *__memcpy_chk(void *to, const void *from, size_t len, size_t room);
void *__memmove_chk(void *to, const void *from, size_t len, size_t room);
void *__memset_chk(void *to, int byte, size_t len, size_t room);
wchar_t *__wmemcpy_chk(wchar_t *to, const wchar_t *from, size_t count, size_t room);
wchar_t *__wmemmove_chk(wchar_t *to, const wchar_t *from, size_t count, size_t room);
char *__strcpy_chk(char *to, const char *from, size_t room);
char *__strcat_chk(char *to, const char *from, size_t room);
char *__strncpy_chk(char *to, const char *from, size_t len, size_t room);
__attribute__((format(printf, 3, 0))) int __vasprintf_chk(char **to, int flag, const char *fmt,
                                                          va_list ap);
__attribute__((format(printf, 5, 0))) int __vsnprintf_chk(char *to, size_t len, int flag,
                                                          size_t room, const char *fmt, va_list ap);
__attribute__((format(printf, 5, 6))) int __snprintf_chk(char *to, size_t len, int flag,
                                                         size_t room, const char *fmt, ...);
__attribute__((format(printf, 4, 5))) int __sprintf_chk(char *to, int flag, size_t room,
                                                        const char *fmt, ...);
__attribute__((format(printf, 3, 0))) int __vfprintf_chk(FILE *f, int flag, const char *fmt,
                                                         va_list ap);
__attribute__((format(printf, 3, 4))) int __fprintf_chk(FILE *f, int flag, const char *fmt, ...);
__attribute__((format(printf, 2, 3))) int __printf_chk(int flag, const char *fmt, ...);
long __fdelt_chk(long fd);

static void check(size_t len, size_t room)
{
    if (len > room) {
        abort();
    }
}

void *__memcpy_chk(void *to, const void *from, size_t len, size_t room)
{
    check(len, room);
    return memcpy(to, from, len);
}

void *__memmove_chk(void *to, const void *from, size_t len, size_t room)
{
    check(len, room);
    return memmove(to, from, len);
}

void *__memset_chk(void *to, int byte, size_t len, size_t room)
{
    check(len, room);
    return memset(to, byte, len);
}

/* count and room are numbers of wide characters */
wchar_t *__wmemcpy_chk(wchar_t *to, const wchar_t *from, size_t count, size_t room)
{
    check(count, room);
    return wmemcpy(to, from, count);
}

wchar_t *__wmemmove_chk(wchar_t *to, const wchar_t *from, size_t count, size_t room)
{
    check(count, room);
    return wmemmove(to, from, count);
}

char *__strcpy_chk(char *to, const char *from, size_t room)
{
    size_t len = strlen(from) + 1;

    check(len, room);
    memcpy(to, from, len);
    return to;
}

char *__strcat_chk(char *to, const char *from, size_t room)
{
    size_t used = strlen(to);

    check(used, room);
    (void)__strcpy_chk(to + used, from, room - used);
    return to;
}

char *__strncpy_chk(char *to, const char *from, size_t len, size_t room)
{
    check(len, room);
    return strncpy(to, from, len);
}

int __vasprintf_chk(char **to, int flag, const char *fmt, va_list ap)
{
    (void)flag;
    return vasprintf(to, fmt, ap);
}

int __vsnprintf_chk(char *to, size_t len, int flag, size_t room, const char *fmt, va_list ap)
{
    (void)flag;
    check(len, room);
    return vsnprintf(to, len, fmt, ap);
}

int __snprintf_chk(char *to, size_t len, int flag, size_t room, const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = __vsnprintf_chk(to, len, flag, room, fmt, ap);
    va_end(ap);
    return n;
}

int __sprintf_chk(char *to, int flag, size_t room, const char *fmt, ...)
{
    va_list ap;
    int n;

    (void)flag;
    va_start(ap, fmt);
    n = vsnprintf(to, room, fmt, ap);
    va_end(ap);
    check(n < 0 ? 0 : (size_t)n + 1, room);
    return n;
}

int __vfprintf_chk(FILE *f, int flag, const char *fmt, va_list ap)
{
    (void)flag;
    return vfprintf(f, fmt, ap);
}

int __fprintf_chk(FILE *f, int flag, const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = __vfprintf_chk(f, flag, fmt, ap);
    va_end(ap);
    return n;
}

int __printf_chk(int flag, const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = __vfprintf_chk(stdout, flag, fmt, ap);
    va_end(ap);
    return n;
}

long __fdelt_chk(long fd)
{
    check((size_t)fd, 1023);
    return fd / 64;
}
