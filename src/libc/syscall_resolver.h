/* Who looks names up for the enclave's C library: nobody, until a module is loaded. */
#ifndef CM_LIBC_SYSCALL_RESOLVER_H
#define CM_LIBC_SYSCALL_RESOLVER_H

#include <netdb.h>
#include <sys/socket.h>

/* The functions of netdb.h of the same names. Lists: each entry is one malloc'ed block. */
struct cm_resolver {
    int (*getaddrinfo)(const char *host, const char *service, const struct addrinfo *hints,
                       struct addrinfo **out);
    int (*getnameinfo)(const struct sockaddr *addr, socklen_t addr_len, char *host,
                       socklen_t host_len, char *service, socklen_t service_len, int flags);
};

/* r must live on. */
void cm_resolver_set(const struct cm_resolver *r);

#endif
