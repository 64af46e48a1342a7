/*
 * getaddrinfo and getnameinfo of the host. It may name any address for any name; what is checked is
 * that each address is whole and each name ends (C2). Who answers there, TLS finds out.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <openenclave/bits/module.h>

#include "libc/syscall_resolver.h"
#include "syscall/sys_host.h"

CM_HOST_MAY(oe_syscall_getaddrinfo_open_ocall);
CM_HOST_MAY(oe_syscall_getaddrinfo_read_ocall);
CM_HOST_MAY(oe_syscall_getaddrinfo_close_ocall);
CM_HOST_MAY(oe_syscall_getnameinfo_ocall);

enum { ANSWERS_MAX = 256, NAME_MAX_SIZE = 1025, SERVICE_MAX_SIZE = 256, NO_MORE = 1 };

/* one entry of a list, in one block */
struct answer {
    struct addrinfo info;
    struct sockaddr_storage address;
    char name[NAME_MAX_SIZE];
};

/* What the host's getaddrinfo or getnameinfo says: 0 or one of their numbers. */
static int checked(oe_result_t call, int got)
{
    if (call != OE_OK || got == EAI_SYSTEM) {
        errno = (int)-cm_host_number(call, -1, 0);
        return call == OE_OUT_OF_MEMORY ? EAI_MEMORY : EAI_SYSTEM;
    }
    switch (got) {
    case 0:
    case EAI_BADFLAGS:
    case EAI_NONAME:
    case EAI_AGAIN:
    case EAI_FAMILY:
    case EAI_SOCKTYPE:
    case EAI_SERVICE:
    case EAI_MEMORY:
    case EAI_OVERFLOW:
        return got;
    default:
        return EAI_FAIL;
    }
}

/* The family that the bytes themselves name is the one that was told, and they are all there. */
static bool is_whole(const struct answer *a, oe_socklen_t len)
{
    if (a->address.ss_family != a->info.ai_family) {
        return false;
    }
    return (a->info.ai_family == AF_INET && len == sizeof(struct sockaddr_in)) ||
           (a->info.ai_family == AF_INET6 && len == sizeof(struct sockaddr_in6));
}

/* 0: *a is filled; NO_MORE; EAI_MEMORY; EAI_FAIL: the host failed or lied */
static int read_answer(uint64_t handle, struct answer *a)
{
    oe_socklen_t len = 0;
    size_t name = 0;
    int got = -1;
    oe_result_t call = CM_HOST_ASK(
        "socket", oe_syscall_getaddrinfo_read_ocall, &got, handle, &a->info.ai_flags,
        &a->info.ai_family, &a->info.ai_socktype, &a->info.ai_protocol, sizeof(a->address), &len,
        (oe_sockaddr *)(void *)&a->address, sizeof(a->name), &name, a->name);
    long r = cm_host_number(call, got, NO_MORE);

    if (r != 0) {
        return r == NO_MORE ? NO_MORE : r == -ENOMEM ? EAI_MEMORY : EAI_FAIL;
    }
    if (!is_whole(a, len) || name > sizeof(a->name) ||
        (name != 0 && memchr(a->name, '\0', name) == NULL)) {
        return EAI_FAIL;
    }
    a->info.ai_addrlen = len;
    a->info.ai_addr = (struct sockaddr *)(void *)&a->address;
    a->info.ai_canonname = name != 0 ? a->name : NULL;
    return 0;
}

static int read_all(uint64_t handle, struct addrinfo **out)
{
    struct addrinfo **end = out;
    size_t count;

    for (count = 0; count < ANSWERS_MAX; count++) {
        struct answer *a = calloc(1, sizeof(*a));
        int r = a == NULL ? EAI_MEMORY : read_answer(handle, a);

        if (r == 0) {
            *end = &a->info;
            end = &a->info.ai_next;
            continue;
        }
        free(a);
        return r != NO_MORE ? r : count != 0 ? 0 : EAI_FAIL;
    }
    return EAI_FAIL;
}

static int host_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
                            struct addrinfo **out)
{
    oe_addrinfo wanted = {0};
    struct addrinfo *list = NULL;
    uint64_t handle = 0;
    int got = EAI_FAIL;
    int done = -1;
    oe_result_t call;
    int r;

    if (hints != NULL) {
        wanted.ai_flags = hints->ai_flags;
        wanted.ai_family = hints->ai_family;
        wanted.ai_socktype = hints->ai_socktype;
        wanted.ai_protocol = hints->ai_protocol;
    }
    call = CM_HOST_ASK("socket", oe_syscall_getaddrinfo_open_ocall, &got, host, service,
                       hints == NULL ? NULL : &wanted, &handle);
    r = checked(call, got);
    if (r != 0) {
        return r;
    }
    r = read_all(handle, &list);
    (void)CM_HOST_ASK("socket", oe_syscall_getaddrinfo_close_ocall, &done, handle);
    if (r != 0) {
        freeaddrinfo(list);
        return r;
    }
    *out = list;
    return 0;
}

/* to has room for len bytes, from is what the host filled; wanted only where there is room */
static int give(char *to, socklen_t len, const char *from, size_t size)
{
    if (to == NULL || len == 0) {
        return 0;
    }
    if (memchr(from, '\0', size) == NULL) {
        return EAI_FAIL;
    }
    if (strlen(from) >= len) {
        return EAI_OVERFLOW;
    }
    memcpy(to, from, strlen(from) + 1);
    return 0;
}

/* NOLINTNEXTLINE(readability-function-size): the C library's parameters */
static int host_getnameinfo(const struct sockaddr *addr, socklen_t addr_len, char *host,
                            socklen_t host_len, char *service, socklen_t service_len, int flags)
{
    char name[NAME_MAX_SIZE] = "";
    char port[SERVICE_MAX_SIZE] = "";
    const bool names = host != NULL && host_len != 0;
    const bool ports = service != NULL && service_len != 0;
    int got = EAI_FAIL;
    oe_result_t call;
    int r;

    if (addr_len > sizeof(struct sockaddr_storage)) {
        return EAI_FAMILY;
    }
    call =
        CM_HOST_ASK("socket", oe_syscall_getnameinfo_ocall, &got,
                    (const oe_sockaddr *)(const void *)addr, addr_len, names ? name : NULL,
                    names ? sizeof(name) : 0, ports ? port : NULL, ports ? sizeof(port) : 0, flags);
    r = checked(call, got);
    if (r == 0) {
        r = give(host, host_len, name, sizeof(name));
    }
    if (r == 0) {
        r = give(service, service_len, port, sizeof(port));
    }
    return r;
}

oe_result_t oe_load_module_host_resolver(void)
{
    static const struct cm_resolver of_host = {host_getaddrinfo, host_getnameinfo};

    cm_resolver_set(&of_host);
    return OE_OK;
}
