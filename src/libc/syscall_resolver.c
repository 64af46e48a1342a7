/*
 * Names of hosts and of network interfaces. An enclave has no resolver of its own: without a module
 * that asks the host, every look-up fails in the way that the interface has for it.
 */
#include "libc/syscall_resolver.h"

#include <errno.h>
#include <net/if.h>
#include <stddef.h>
#include <stdlib.h>

static const struct cm_resolver *resolver;

void cm_resolver_set(const struct cm_resolver *r)
{
    __atomic_store_n(&resolver, r, __ATOMIC_RELEASE);
}

int getaddrinfo(const char *restrict host, const char *restrict service,
                const struct addrinfo *restrict hints, struct addrinfo **restrict out)
{
    const struct cm_resolver *r = __atomic_load_n(&resolver, __ATOMIC_ACQUIRE);

    if (r == NULL) {
        errno = ENOSYS;
        return EAI_SYSTEM;
    }
    return r->getaddrinfo(host, service, hints, out);
}

void freeaddrinfo(struct addrinfo *list)
{
    while (list != NULL) {
        struct addrinfo *next = list->ai_next;

        free(list);
        list = next;
    }
}

int getnameinfo(const struct sockaddr *restrict addr, socklen_t addr_len, char *restrict host,
                socklen_t host_len, char *restrict service, socklen_t service_len, int flags)
{
    const struct cm_resolver *r = __atomic_load_n(&resolver, __ATOMIC_ACQUIRE);

    if (r == NULL) {
        errno = ENOSYS;
        return EAI_SYSTEM;
    }
    return r->getnameinfo(addr, addr_len, host, host_len, service, service_len, flags);
}

char *if_indextoname(unsigned index, char *name)
{
    (void)index;
    (void)name;
    errno = ENXIO;
    return NULL;
}

unsigned if_nametoindex(const char *name)
{
    (void)name;
    errno = ENODEV;
    return 0;
}
