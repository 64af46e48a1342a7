/*
 * Wrappers of the C library for sockets that musl makes with an inline system call (the others are
 * musl's own). Each only arranges its arguments; see syscall_dispatch.c.
 */
#include <sys/socket.h>

#include "libc/syscall_inside.h"

int socket(int domain, int type, int protocol)
{
    return (int)CM_SYS(SYS_socket, domain, type, protocol);
}

int socketpair(int domain, int type, int protocol, int fds[2])
{
    return (int)CM_SYS(SYS_socketpair, domain, type, protocol, CM_P(fds));
}

int bind(int fd, const struct sockaddr *addr, socklen_t len)
{
    return (int)CM_SYS(SYS_bind, fd, CM_P(addr), (long)len);
}

int listen(int fd, int backlog)
{
    return (int)CM_SYS(SYS_listen, fd, backlog);
}

int accept4(int fd, struct sockaddr *restrict addr, socklen_t *restrict len, int flags)
{
    return (int)CM_SYS(SYS_accept4, fd, CM_P(addr), CM_P(len), flags);
}

int shutdown(int fd, int how)
{
    return (int)CM_SYS(SYS_shutdown, fd, how);
}

int getsockname(int fd, struct sockaddr *restrict addr, socklen_t *restrict len)
{
    return (int)CM_SYS(SYS_getsockname, fd, CM_P(addr), CM_P(len));
}

int getpeername(int fd, struct sockaddr *restrict addr, socklen_t *restrict len)
{
    return (int)CM_SYS(SYS_getpeername, fd, CM_P(addr), CM_P(len));
}

int getsockopt(int fd, int level, int name, void *restrict value, socklen_t *restrict len)
{
    return (int)CM_SYS(SYS_getsockopt, fd, level, name, CM_P(value), CM_P(len));
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
    return (int)CM_SYS(SYS_setsockopt, fd, level, name, CM_P(value), (long)len);
}
