/*
 * glibc-only symbols that Debian's libcrypto.a refers to, on top of musl and of inside_fortify.c: what
 * an enclave has nothing behind.
 */
#include <stdlib.h>

void __syslog_chk(int priority, int flag, const char *fmt, ...);
int getcontext(void *context);
int setcontext(const void *context);
void makecontext(void *context, void (*start)(void), int argc, ...);

/* an enclave has no system log; OpenSSL's syslog BIO then writes nowhere */
void __syslog_chk(int priority, int flag, const char *fmt, ...)
{
    (void)priority;
    (void)flag;
    (void)fmt;
}

/* only OpenSSL's asynchronous jobs switch contexts; they report that they are not available */
int getcontext(void *context)
{
    (void)context;
    return -1;
}

int setcontext(const void *context)
{
    (void)context;
    return -1;
}

void makecontext(void *context, void (*start)(void), int argc, ...)
{
    (void)context;
    (void)start;
    (void)argc;
    abort();
}
