/* The host's sockets: what hostsock.c and hostsock_message.c share. */
#ifndef CM_SYSCALL_HOSTSOCK_H
#define CM_SYSCALL_HOSTSOCK_H

#include <sys/socket.h>

#include "syscall/sys_core.h"
#include "syscall/sys_host.h"

/* An open socket. domain and type are what it was made with. */
struct cm_socket {
    struct cm_file file;
    int64_t host;
    int domain;
    int type;
};

/* room for any address, and the largest that the host may tell */
enum { CM_ADDRESS_MAX = sizeof(struct sockaddr_storage) };

/*
 * Hands an address that the host told to the caller, like Linux: as much as *len has room for, and
 * *len becomes its true length. to may be NULL. -EIO when it is no address of the socket's family.
 */
long cm_socket_address(const struct cm_socket *s, const void *told, oe_socklen_t told_len, void *to,
                       socklen_t *len);

/* recv and recvfrom; send and sendto: from, to and addr may be NULL */
long cm_socket_recv(struct cm_socket *s, void *buf, size_t n, int flags, void *from,
                    socklen_t *from_len);
long cm_socket_send(struct cm_socket *s, const void *buf, size_t n, int flags, const void *addr,
                    socklen_t addr_len);

long cm_socket_recvmsg(struct cm_socket *s, struct msghdr *m, int flags);
long cm_socket_sendmsg(struct cm_socket *s, const struct msghdr *m, int flags);

#endif
