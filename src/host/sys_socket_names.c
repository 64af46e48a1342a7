/* The host's side of the names in openenclave/edl/socket.edl: what this system's resolver says. */
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "cm_syscall_u.h"
#include "host/sys_ocalls.h"

/* one list of answers, and how far it has been read */
struct answers {
    struct addrinfo *first;
    struct addrinfo *next;
};

static struct answers *as_answers(uint64_t handle)
{
    return (struct answers *)(uintptr_t)handle; /* NOLINT(performance-no-int-to-ptr) */
}

CM_REPLACEABLE int oe_syscall_getaddrinfo_open_ocall(const char *node, const char *service,
                                                     const oe_addrinfo *hints, uint64_t *handle)
{
    struct addrinfo wanted = {0};
    struct answers *a = calloc(1, sizeof(*a));
    int r;

    if (a == NULL || handle == NULL) {
        free(a);
        return EAI_MEMORY;
    }
    if (hints != NULL) {
        wanted.ai_flags = hints->ai_flags;
        wanted.ai_family = hints->ai_family;
        wanted.ai_socktype = hints->ai_socktype;
        wanted.ai_protocol = hints->ai_protocol;
    }
    r = getaddrinfo(node, service, hints == NULL ? NULL : &wanted, &a->first);
    if (r != 0) {
        free(a);
        return r;
    }
    a->next = a->first;
    *handle = (uint64_t)(uintptr_t)a;
    return 0;
}

/* NOLINTNEXTLINE(readability-function-size): the EDL's parameters */
CM_REPLACEABLE int oe_syscall_getaddrinfo_read_ocall(uint64_t handle, int *ai_flags, int *ai_family,
                                                     int *ai_socktype, int *ai_protocol,
                                                     oe_socklen_t ai_addrlen_in,
                                                     oe_socklen_t *ai_addrlen, oe_sockaddr *ai_addr,
                                                     size_t ai_canonnamelen_in,
                                                     size_t *ai_canonnamelen, char *ai_canonname)
{
    struct answers *a = as_answers(handle);
    const struct addrinfo *i;
    size_t name;

    if (a == NULL) {
        errno = EINVAL;
        return -1;
    }
    i = a->next;
    if (i == NULL) {
        return 1;
    }
    name = i->ai_canonname == NULL ? 0 : strlen(i->ai_canonname) + 1;
    *ai_flags = i->ai_flags;
    *ai_family = i->ai_family;
    *ai_socktype = i->ai_socktype;
    *ai_protocol = i->ai_protocol;
    *ai_addrlen = i->ai_addrlen;
    *ai_canonnamelen = name;
    if (i->ai_addrlen > ai_addrlen_in || name > ai_canonnamelen_in) {
        errno = ENAMETOOLONG; /* the sizes say what room it takes */
        return -1;
    }
    memcpy(ai_addr, i->ai_addr, i->ai_addrlen);
    if (name != 0) {
        memcpy(ai_canonname, i->ai_canonname, name);
    }
    a->next = i->ai_next;
    return 0;
}

CM_REPLACEABLE int oe_syscall_getaddrinfo_close_ocall(uint64_t handle)
{
    struct answers *a = as_answers(handle);

    if (a == NULL) {
        errno = EINVAL;
        return -1;
    }
    freeaddrinfo(a->first);
    free(a);
    return 0;
}

/* NOLINTNEXTLINE(readability-function-size): the EDL's parameters */
CM_REPLACEABLE int oe_syscall_getnameinfo_ocall(const oe_sockaddr *sa, oe_socklen_t salen,
                                                char *host, oe_socklen_t hostlen, char *serv,
                                                oe_socklen_t servlen, int flags)
{
    const void *address = sa;

    return getnameinfo(address, salen, host, hostlen, serv, servlen, flags);
}
