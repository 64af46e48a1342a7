/* The lying host's ocalls on sockets and names; see hostile_files.c. Nothing real stands behind. */
#include "hostile_lie.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include "syscall_u.h"

oe_host_fd_t oe_syscall_socket_ocall(int domain, int type, int protocol)
{
    (void)domain;
    (void)type;
    (void)protocol;
    return lie_now("socket") ? lie.value : 1000;
}

int oe_syscall_close_socket_ocall(oe_host_fd_t sockfd)
{
    (void)sockfd;
    return lie_now("close_socket") ? (int)lie.value : 0;
}

int oe_syscall_socketpair_ocall(int domain, int type, int protocol, oe_host_fd_t sv[2])
{
    (void)domain;
    (void)type;
    (void)protocol;
    (void)lie_now("socketpair");
    sv[0] = 1001;
    sv[1] = lie.value;
    return 0;
}

/* An honest IPv4 address, but for what the lie names: 1 its length, 2 its family. */
static void forge_address(oe_sockaddr *addr, oe_socklen_t room, oe_socklen_t *len)
{
    struct sockaddr_in a = {.sin_family = AF_INET};

    if (lie.member == 2) {
        a.sin_family = (sa_family_t)lie.value;
    }
    if (addr != NULL) {
        memset(addr, 0x5a, room);
        memcpy(addr, &a, room < sizeof(a) ? room : sizeof(a));
    }
    *len = lie.member == 1 ? (oe_socklen_t)lie.value : (oe_socklen_t)sizeof(a);
}

oe_host_fd_t oe_syscall_accept_ocall(oe_host_fd_t sockfd, oe_sockaddr *addr,
                                     oe_socklen_t addrlen_in, oe_socklen_t *addrlen_out)
{
    bool lies = lie_now("accept");

    (void)sockfd;
    forge_address(addr, addrlen_in, addrlen_out);
    return lies && lie.member == 0 ? lie.value : 1002;
}

int oe_syscall_getsockname_ocall(oe_host_fd_t sockfd, oe_sockaddr *addr, oe_socklen_t addrlen_in,
                                 oe_socklen_t *addrlen_out)
{
    (void)sockfd;
    (void)lie_now("getsockname");
    forge_address(addr, addrlen_in, addrlen_out);
    return 0;
}

int oe_syscall_getpeername_ocall(oe_host_fd_t sockfd, oe_sockaddr *addr, oe_socklen_t addrlen_in,
                                 oe_socklen_t *addrlen_out)
{
    (void)sockfd;
    (void)lie_now("getpeername");
    forge_address(addr, addrlen_in, addrlen_out);
    return 0;
}

ssize_t oe_syscall_recv_ocall(oe_host_fd_t sockfd, void *buf, size_t len, int flags)
{
    (void)sockfd;
    (void)flags;
    memset(buf, 0x5a, len);
    return lie_now("recv") ? lie.value : 0;
}

ssize_t oe_syscall_recvfrom_ocall(oe_host_fd_t sockfd, void *buf, size_t len, int flags,
                                  oe_sockaddr *src_addr, oe_socklen_t addrlen_in,
                                  oe_socklen_t *addrlen_out)
{
    bool lies = lie_now("recvfrom");

    (void)sockfd;
    (void)flags;
    memset(buf, 0x5a, len);
    forge_address(src_addr, addrlen_in, addrlen_out);
    return lies && lie.member == 0 ? lie.value : 1;
}

ssize_t oe_syscall_send_ocall(oe_host_fd_t sockfd, const void *buf, size_t len, int flags)
{
    (void)sockfd;
    (void)buf;
    (void)flags;
    return lie_now("send") ? lie.value : (ssize_t)len;
}

ssize_t oe_syscall_sendto_ocall(oe_host_fd_t sockfd, const void *buf, size_t len, int flags,
                                const oe_sockaddr *dest_addr, oe_socklen_t addrlen)
{
    (void)sockfd;
    (void)buf;
    (void)flags;
    (void)dest_addr;
    (void)addrlen;
    return lie_now("sendto") ? lie.value : (ssize_t)len;
}

ssize_t oe_syscall_sendmsg_ocall(oe_host_fd_t sockfd, const void *msg_name,
                                 oe_socklen_t msg_namelen, void *msg_iov_buf, size_t msg_iovlen,
                                 size_t msg_iov_buf_size, const void *msg_control,
                                 size_t msg_controllen, int flags)
{
    (void)sockfd;
    (void)msg_name;
    (void)msg_namelen;
    (void)msg_iov_buf;
    (void)msg_iovlen;
    (void)msg_iov_buf_size;
    (void)msg_control;
    (void)msg_controllen;
    (void)flags;
    return lie_now("sendmsg") ? lie.value : 0;
}

/*
 * 3: the control message's own length, 4: a descriptor in it, 5: the length of all of them; 10: its own
 * length, and what follows the first 8 bytes is a message as well
 */
static size_t forge_control(void *control, size_t room)
{
    struct {
        uint64_t len;
        int level;
        int type;
        uint64_t what;
    } c = {24, SOL_SOCKET, 77, 0};

    c.len = lie.member == 3 || lie.member == 10 ? (uint64_t)lie.value : c.len;
    c.type = lie.member == 4 ? SCM_RIGHTS : c.type;
    if (lie.member == 10) {
        c.level = 16; /* read as a length */
        c.type = 0;
    }
    memcpy(control, &c, room < sizeof(c) ? room : sizeof(c));
    return lie.member == 5 ? (size_t)lie.value : sizeof(c);
}

ssize_t oe_syscall_recvmsg_ocall(oe_host_fd_t sockfd, void *msg_name, oe_socklen_t msg_namelen,
                                 oe_socklen_t *msg_namelen_out, void *msg_iov_buf,
                                 size_t msg_iovlen, size_t msg_iov_buf_size, void *msg_control,
                                 size_t msg_controllen, size_t *msg_controllen_out, int flags)
{
    bool lies = lie_now("recvmsg");

    (void)sockfd;
    (void)msg_iovlen;
    (void)flags;
    memset(msg_iov_buf, 0x5a, msg_iov_buf_size); /* the heads of the parts, too */
    forge_address(msg_name, msg_namelen, msg_namelen_out);
    *msg_controllen_out = forge_control(msg_control, msg_controllen);
    return lies && lie.member == 0 ? lie.value : 8;
}

int oe_syscall_getsockopt_ocall(oe_host_fd_t sockfd, int level, int optname, void *optval,
                                oe_socklen_t optlen_in, oe_socklen_t *optlen_out)
{
    (void)sockfd;
    (void)level;
    (void)optname;
    (void)lie_now("getsockopt");
    memset(optval, 0x5a, optlen_in);
    *optlen_out = (oe_socklen_t)lie.value;
    return 0;
}

int oe_syscall_getaddrinfo_open_ocall(const char *node, const char *service,
                                      const oe_addrinfo *hints, uint64_t *handle)
{
    (void)node;
    (void)service;
    (void)hints;
    *handle = 77;
    return lie_now("getaddrinfo_open") ? (int)lie.value : 0;
}

/* 6: the family beside the address, 7: the length of the name, 8: answers without end */
int oe_syscall_getaddrinfo_read_ocall(uint64_t handle, int *ai_flags, int *ai_family,
                                      int *ai_socktype, int *ai_protocol,
                                      oe_socklen_t ai_addrlen_in, oe_socklen_t *ai_addrlen,
                                      oe_sockaddr *ai_addr, size_t ai_canonnamelen_in,
                                      size_t *ai_canonnamelen, char *ai_canonname)
{
    bool lies = lie_now("getaddrinfo_read");

    (void)handle;
    *ai_flags = 0;
    *ai_family = lie.member == 6 ? (int)lie.value : AF_INET;
    *ai_socktype = SOCK_STREAM;
    *ai_protocol = 0;
    forge_address(ai_addr, ai_addrlen_in, ai_addrlen);
    memset(ai_canonname, 'a', ai_canonnamelen_in);
    *ai_canonnamelen = lie.member == 7 ? (size_t)lie.value : 0;
    if (lies && lie.member == 0) {
        return (int)lie.value;
    }
    return !lies || (lie.told > 1 && lie.member != 8);
}

int oe_syscall_getaddrinfo_close_ocall(uint64_t handle)
{
    (void)handle;
    return 0;
}

int oe_syscall_getnameinfo_ocall(const oe_sockaddr *sa, oe_socklen_t salen, char *host,
                                 oe_socklen_t hostlen, char *serv, oe_socklen_t servlen, int flags)
{
    (void)sa;
    (void)salen;
    (void)flags;
    (void)lie_now("getnameinfo");
    memset(host, 'a', hostlen); /* no end */
    memset(serv, 'a', servlen);
    return (int)lie.value;
}
