/* The host's side of openenclave/edl/socket.edl: sockets of this process. */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cm_syscall_u.h"
#include "host/sys_iov.h"
#include "host/sys_ocalls.h"

/* the kernel's word for an address, whatever the EDL calls it */
static struct sockaddr *as_address(void *p)
{
    return p;
}

static const struct sockaddr *as_const_address(const void *p)
{
    return p;
}

CM_REPLACEABLE int oe_syscall_close_socket_ocall(oe_host_fd_t sockfd)
{
    return close((int)sockfd);
}

CM_REPLACEABLE oe_host_fd_t oe_syscall_socket_ocall(int domain, int type, int protocol)
{
    return socket(domain, type, protocol);
}

CM_REPLACEABLE int oe_syscall_shutdown_sockets_device_ocall(oe_host_fd_t sockfd)
{
    return shutdown((int)sockfd, SHUT_RDWR);
}

CM_REPLACEABLE int oe_syscall_socketpair_ocall(int domain, int type, int protocol,
                                               oe_host_fd_t sv[2])
{
    int pair[2] = {-1, -1};

    if (sv == NULL || socketpair(domain, type, protocol, pair) != 0) {
        return -1;
    }
    sv[0] = pair[0];
    sv[1] = pair[1];
    return 0;
}

CM_REPLACEABLE int oe_syscall_connect_ocall(oe_host_fd_t sockfd, const oe_sockaddr *addr,
                                            oe_socklen_t addrlen)
{
    return connect((int)sockfd, as_const_address(addr), addrlen);
}

CM_REPLACEABLE oe_host_fd_t oe_syscall_accept_ocall(oe_host_fd_t sockfd, oe_sockaddr *addr,
                                                    oe_socklen_t addrlen_in,
                                                    oe_socklen_t *addrlen_out)
{
    socklen_t len = addrlen_in;
    int fd = accept((int)sockfd, as_address(addr), addr == NULL ? NULL : &len);

    if (fd >= 0 && addrlen_out != NULL) {
        *addrlen_out = addr == NULL ? 0 : len;
    }
    return fd;
}

CM_REPLACEABLE int oe_syscall_bind_ocall(oe_host_fd_t sockfd, const oe_sockaddr *addr,
                                         oe_socklen_t addrlen)
{
    return bind((int)sockfd, as_const_address(addr), addrlen);
}

CM_REPLACEABLE int oe_syscall_listen_ocall(oe_host_fd_t sockfd, int backlog)
{
    return listen((int)sockfd, backlog);
}

/* NOLINTNEXTLINE(readability-function-size): the EDL's parameters */
CM_REPLACEABLE ssize_t oe_syscall_recvmsg_ocall(oe_host_fd_t sockfd, void *msg_name,
                                                oe_socklen_t msg_namelen,
                                                oe_socklen_t *msg_namelen_out, void *msg_iov_buf,
                                                size_t msg_iovlen, size_t msg_iov_buf_size,
                                                void *msg_control, size_t msg_controllen,
                                                size_t *msg_controllen_out, int flags)
{
    struct iovec parts[IOV_MAX];
    struct msghdr m = {.msg_name = msg_name,
                       .msg_namelen = msg_namelen,
                       .msg_iov = parts,
                       .msg_iovlen = msg_iovlen,
                       .msg_control = msg_control,
                       .msg_controllen = msg_controllen};
    ssize_t n;

    if (!cm_iov_open(msg_iov_buf, msg_iovlen, msg_iov_buf_size, parts)) {
        return -1;
    }
    n = recvmsg((int)sockfd, &m, flags);
    if (n >= 0 && msg_namelen_out != NULL && msg_controllen_out != NULL) {
        *msg_namelen_out = m.msg_namelen;
        *msg_controllen_out = m.msg_controllen;
    }
    return n;
}

/* NOLINTNEXTLINE(readability-function-size): the EDL's parameters */
CM_REPLACEABLE ssize_t oe_syscall_sendmsg_ocall(oe_host_fd_t sockfd, const void *msg_name,
                                                oe_socklen_t msg_namelen, void *msg_iov_buf,
                                                size_t msg_iovlen, size_t msg_iov_buf_size,
                                                const void *msg_control, size_t msg_controllen,
                                                int flags)
{
    struct iovec parts[IOV_MAX];
    struct msghdr m = {.msg_namelen = msg_namelen,
                       .msg_iov = parts,
                       .msg_iovlen = msg_iovlen,
                       .msg_controllen = msg_controllen};

    memcpy(&m.msg_name, &msg_name, sizeof(msg_name)); /* only read, but the type cannot say so */
    memcpy(&m.msg_control, &msg_control, sizeof(msg_control));
    if (!cm_iov_open(msg_iov_buf, msg_iovlen, msg_iov_buf_size, parts)) {
        return -1;
    }
    return sendmsg((int)sockfd, &m, flags | MSG_NOSIGNAL);
}

CM_REPLACEABLE ssize_t oe_syscall_recv_ocall(oe_host_fd_t sockfd, void *buf, size_t len, int flags)
{
    return recv((int)sockfd, buf, len, flags);
}

/* NOLINTNEXTLINE(readability-function-size): the EDL's parameters */
CM_REPLACEABLE ssize_t oe_syscall_recvfrom_ocall(oe_host_fd_t sockfd, void *buf, size_t len,
                                                 int flags, oe_sockaddr *src_addr,
                                                 oe_socklen_t addrlen_in, oe_socklen_t *addrlen_out)
{
    socklen_t alen = addrlen_in;
    ssize_t n = recvfrom((int)sockfd, buf, len, flags, as_address(src_addr),
                         src_addr == NULL ? NULL : &alen);

    if (n >= 0 && addrlen_out != NULL) {
        *addrlen_out = src_addr == NULL ? 0 : alen;
    }
    return n;
}

/* an enclave gets no signals, so its host does not get SIGPIPE for it either: EPIPE says it all */
CM_REPLACEABLE ssize_t oe_syscall_send_ocall(oe_host_fd_t sockfd, const void *buf, size_t len,
                                             int flags)
{
    return send((int)sockfd, buf, len, flags | MSG_NOSIGNAL);
}

CM_REPLACEABLE ssize_t oe_syscall_sendto_ocall(oe_host_fd_t sockfd, const void *buf, size_t len,
                                               int flags, const oe_sockaddr *dest_addr,
                                               oe_socklen_t addrlen)
{
    return sendto((int)sockfd, buf, len, flags | MSG_NOSIGNAL, as_const_address(dest_addr),
                  addrlen);
}

CM_REPLACEABLE ssize_t oe_syscall_recvv_ocall(oe_host_fd_t fd, void *iov_buf, int iovcnt,
                                              size_t iov_buf_size)
{
    struct iovec parts[IOV_MAX];
    struct msghdr m = {.msg_iov = parts, .msg_iovlen = (size_t)iovcnt};

    if (!cm_iov_open(iov_buf, (size_t)iovcnt, iov_buf_size, parts)) {
        return -1;
    }
    return recvmsg((int)fd, &m, 0);
}

CM_REPLACEABLE ssize_t oe_syscall_sendv_ocall(oe_host_fd_t fd, const void *iov_buf, int iovcnt,
                                              size_t iov_buf_size)
{
    struct iovec parts[IOV_MAX];
    struct msghdr m = {.msg_iov = parts, .msg_iovlen = (size_t)iovcnt};
    void *bytes = NULL;

    memcpy(&bytes, &iov_buf, sizeof(bytes)); /* sendmsg only reads, but its type cannot say so */
    if (!cm_iov_open(bytes, (size_t)iovcnt, iov_buf_size, parts)) {
        return -1;
    }
    return sendmsg((int)fd, &m, MSG_NOSIGNAL);
}

CM_REPLACEABLE int oe_syscall_shutdown_ocall(oe_host_fd_t sockfd, int how)
{
    return shutdown((int)sockfd, how);
}

CM_REPLACEABLE int oe_syscall_setsockopt_ocall(oe_host_fd_t sockfd, int level, int optname,
                                               const void *optval, oe_socklen_t optlen)
{
    return setsockopt((int)sockfd, level, optname, optval, optlen);
}

CM_REPLACEABLE int oe_syscall_getsockopt_ocall(oe_host_fd_t sockfd, int level, int optname,
                                               void *optval, oe_socklen_t optlen_in,
                                               oe_socklen_t *optlen_out)
{
    socklen_t len = optlen_in;
    int r = getsockopt((int)sockfd, level, optname, optval, &len);

    if (r == 0 && optlen_out != NULL) {
        *optlen_out = len;
    }
    return r;
}

static int give_name(int (*ask)(int, struct sockaddr *, socklen_t *), oe_host_fd_t fd,
                     oe_sockaddr *addr, oe_socklen_t room, oe_socklen_t *len_out)
{
    socklen_t len = room;
    int r = ask((int)fd, as_address(addr), &len);

    if (r == 0 && len_out != NULL) {
        *len_out = len;
    }
    return r;
}

CM_REPLACEABLE int oe_syscall_getsockname_ocall(oe_host_fd_t sockfd, oe_sockaddr *addr,
                                                oe_socklen_t addrlen_in, oe_socklen_t *addrlen_out)
{
    return give_name(getsockname, sockfd, addr, addrlen_in, addrlen_out);
}

CM_REPLACEABLE int oe_syscall_getpeername_ocall(oe_host_fd_t sockfd, oe_sockaddr *addr,
                                                oe_socklen_t addrlen_in, oe_socklen_t *addrlen_out)
{
    return give_name(getpeername, sockfd, addr, addrlen_in, addrlen_out);
}
