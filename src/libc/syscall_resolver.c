/*
 * Names of hosts and of network interfaces. An enclave has no resolver of its own: without a module
 * that asks the host, every look-up fails in the way that the interface has for it.
 */
#include <errno.h>
#include <net/if.h>
#include <netdb.h>
#include <stddef.h>

int getaddrinfo(const char *restrict host, const char *restrict service,
                const struct addrinfo *restrict hints, struct addrinfo **restrict out)
{
    (void)host;
    (void)service;
    (void)hints;
    (void)out;
    errno = ENOSYS;
    return EAI_SYSTEM;
}

void freeaddrinfo(struct addrinfo *list)
{
    (void)list; /* none was ever given */
}

int getnameinfo(const struct sockaddr *restrict addr, socklen_t addr_len, char *restrict host,
                socklen_t host_len, char *restrict service, socklen_t service_len, int flags)
{
    (void)addr;
    (void)addr_len;
    (void)host;
    (void)host_len;
    (void)service;
    (void)service_len;
    (void)flags;
    errno = ENOSYS;
    return EAI_SYSTEM;
}

struct hostent *gethostbyname(const char *name)
{
    (void)name;
    h_errno = NO_RECOVERY;
    return NULL;
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
