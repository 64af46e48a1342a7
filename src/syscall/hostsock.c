/*
 * Sockets of the host. It sees, changes and drops what goes over them, as the network does: TLS is for
 * that. What is checked is that no answer reaches beyond what was asked for, and that addresses are
 * whole (C2).
 */
#include "syscall/hostsock.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <openenclave/bits/module.h>

#include "syscall/sys_host_fd.h"

CM_HOST_MAY(oe_syscall_socket_ocall);
CM_HOST_MAY(oe_syscall_socketpair_ocall);
CM_HOST_MAY(oe_syscall_connect_ocall);
CM_HOST_MAY(oe_syscall_accept_ocall);
CM_HOST_MAY(oe_syscall_bind_ocall);
CM_HOST_MAY(oe_syscall_listen_ocall);
CM_HOST_MAY(oe_syscall_shutdown_ocall);
CM_HOST_MAY(oe_syscall_setsockopt_ocall);
CM_HOST_MAY(oe_syscall_getsockopt_ocall);
CM_HOST_MAY(oe_syscall_getsockname_ocall);
CM_HOST_MAY(oe_syscall_getpeername_ocall);
CM_HOST_MAY(oe_syscall_recv_ocall);
CM_HOST_MAY(oe_syscall_recvfrom_ocall);
CM_HOST_MAY(oe_syscall_send_ocall);
CM_HOST_MAY(oe_syscall_sendto_ocall);
CM_HOST_MAY(oe_syscall_close_socket_ocall);

enum { OPTION_MAX = 65536 };

static struct cm_socket *as_socket(struct cm_file *f)
{
    return (struct cm_socket *)(void *)f;
}

long cm_socket_address(const struct cm_socket *s, const void *told, oe_socklen_t told_len, void *to,
                       socklen_t *len)
{
    sa_family_t family = AF_UNSPEC;
    size_t n;

    if (told_len > CM_ADDRESS_MAX || (told_len != 0 && told_len < sizeof(family))) {
        return -EIO;
    }
    if (told_len != 0) {
        memcpy(&family, told, sizeof(family));
        if (family != s->domain || (family == AF_INET && told_len < sizeof(struct sockaddr_in)) ||
            (family == AF_INET6 && told_len < sizeof(struct sockaddr_in6))) {
            return -EIO;
        }
    }
    if (to == NULL || len == NULL) {
        return 0;
    }
    n = told_len < *len ? told_len : *len;
    memset(to, 0, *len < CM_ADDRESS_MAX ? *len : CM_ADDRESS_MAX);
    memcpy(to, told, n);
    *len = told_len;
    return 0;
}

long cm_socket_recv(struct cm_socket *s, void *buf, size_t n, int flags, void *from,
                    socklen_t *from_len)
{
    const size_t ask = n < CM_HOST_CHUNK ? n : CM_HOST_CHUNK;
    /* with MSG_TRUNC a datagram's true length is the answer */
    const int64_t most =
        (flags & MSG_TRUNC) != 0 && s->type != SOCK_STREAM ? INT32_MAX : (int64_t)ask;
    unsigned char address[CM_ADDRESS_MAX] = {0};
    oe_socklen_t told = 0;
    ssize_t got = -1;
    oe_result_t call;
    long r;

    if (from == NULL) {
        call = CM_HOST_ASK("socket", oe_syscall_recv_ocall, &got, s->host, buf, ask, flags);
        return cm_host_number(call, got, most);
    }
    call = CM_HOST_ASK("socket", oe_syscall_recvfrom_ocall, &got, s->host, buf, ask, flags,
                       (oe_sockaddr *)(void *)address, sizeof(address), &told);
    r = cm_host_number(call, got, most);
    if (r >= 0) {
        long a = cm_socket_address(s, address, told, from, from_len);

        r = a < 0 ? a : r;
    }
    return r;
}

static long send_chunk(struct cm_socket *s, const void *buf, size_t n, int flags, const void *addr,
                       socklen_t addr_len)
{
    ssize_t got = -1;
    oe_result_t call;

    if (addr == NULL) {
        call = CM_HOST_ASK("socket", oe_syscall_send_ocall, &got, s->host, buf, n, flags);
    } else {
        call = CM_HOST_ASK("socket", oe_syscall_sendto_ocall, &got, s->host, buf, n, flags, addr,
                           addr_len);
    }
    return cm_host_number(call, got, (int64_t)n);
}

long cm_socket_send(struct cm_socket *s, const void *buf, size_t n, int flags, const void *addr,
                    socklen_t addr_len)
{
    const unsigned char *bytes = buf;
    size_t done = 0;

    if (addr_len > CM_ADDRESS_MAX) {
        return -EINVAL;
    }
    if (n > CM_HOST_CHUNK && s->type != SOCK_STREAM) {
        return -EMSGSIZE; /* a message is sent whole or not */
    }
    do {
        const size_t left = n - done;
        const size_t ask = left < CM_HOST_CHUNK ? left : CM_HOST_CHUNK;
        long r = send_chunk(s, bytes + done, ask, flags, addr, addr_len);

        if (r < 0) {
            return done != 0 ? (long)done : r;
        }
        done += (size_t)r;
        if ((size_t)r < ask) {
            break;
        }
    } while (done < n);
    return (long)done;
}

static long socket_read(struct cm_file *f, void *buf, size_t n)
{
    return cm_socket_recv(as_socket(f), buf, n, 0, NULL, NULL);
}

static long socket_write(struct cm_file *f, const void *buf, size_t n)
{
    return cm_socket_send(as_socket(f), buf, n, 0, NULL, 0);
}

static long socket_stat(struct cm_file *f, struct stat *out)
{
    memset(out, 0, sizeof(*out));
    out->st_mode = S_IFSOCK | 0777;
    out->st_ino = f->serial;
    out->st_nlink = 1;
    out->st_blksize = 4096;
    return 0;
}

static long socket_control(struct cm_file *f, int cmd, long arg)
{
    return cm_host_control(as_socket(f)->host, cmd, arg);
}

static long socket_ioctl(struct cm_file *f, unsigned long request, long arg)
{
    return cm_host_ioctl(as_socket(f)->host, request, arg);
}

static long socket_host(struct cm_file *f, int64_t *host)
{
    *host = as_socket(f)->host;
    return 0;
}

static long close_host(int64_t host)
{
    int got = -1;
    oe_result_t call = CM_HOST_ASK("socket", oe_syscall_close_socket_ocall, &got, host);

    return cm_host_done(call, got);
}

static long socket_close(struct cm_file *f)
{
    long r = close_host(as_socket(f)->host);

    free(f);
    return r;
}

static const struct cm_file_ops socket_ops = {
    .read = socket_read,
    .write = socket_write,
    .stat = socket_stat,
    .control = socket_control,
    .ioctl = socket_ioctl,
    .host = socket_host,
    .close = socket_close,
};

/* A descriptor for the host's socket, which is closed when there is none. */
static long socket_make(int64_t host, int domain, int type, int flags)
{
    struct cm_socket *s = malloc(sizeof(*s));
    long fd;

    if (s == NULL) {
        (void)close_host(host);
        return -ENOMEM;
    }
    cm_file_init(&s->file, &socket_ops, O_RDWR | (flags & O_NONBLOCK));
    s->host = host;
    s->domain = domain;
    s->type = type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
    fd = cm_fd_install(&s->file, 0, (flags & O_CLOEXEC) != 0);
    if (fd < 0) {
        (void)cm_file_put(&s->file);
    }
    return fd;
}

static long do_socket(int domain, int type, int protocol)
{
    oe_host_fd_t got = -1;
    oe_result_t call =
        CM_HOST_ASK("socket", oe_syscall_socket_ocall, &got, domain, type | SOCK_CLOEXEC, protocol);
    long r = cm_host_number(call, got, CM_HOST_FD_MAX);

    return r < 0 ? r : socket_make(r, domain, type, type);
}

static long do_socketpair(int domain, int type, int protocol, int fds[2])
{
    oe_host_fd_t pair[2] = {-1, -1};
    int got = -1;
    oe_result_t call;
    long r;
    long other;

    if (fds == NULL) {
        return -EFAULT;
    }
    call = CM_HOST_ASK("socket", oe_syscall_socketpair_ocall, &got, domain, type | SOCK_CLOEXEC,
                       protocol, pair);
    r = cm_host_done(call, got);
    if (r < 0) {
        return r;
    }
    if (pair[0] < 0 || pair[1] < 0 || pair[0] > CM_HOST_FD_MAX || pair[1] > CM_HOST_FD_MAX ||
        pair[0] == pair[1]) {
        return -EIO;
    }
    r = socket_make(pair[0], domain, type, type);
    if (r < 0) {
        (void)close_host(pair[1]);
        return r;
    }
    other = socket_make(pair[1], domain, type, type);
    if (other < 0) {
        (void)cm_fd_close(r);
        return other;
    }
    fds[0] = (int)r;
    fds[1] = (int)other;
    return 0;
}

static long do_accept(struct cm_socket *s, void *addr, socklen_t *len, int flags)
{
    unsigned char address[CM_ADDRESS_MAX] = {0};
    oe_socklen_t told = 0;
    oe_host_fd_t got = -1;
    oe_result_t call;
    long host;
    long r;

    if ((flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) != 0) {
        return -EINVAL;
    }
    call = CM_HOST_ASK("socket", oe_syscall_accept_ocall, &got, s->host,
                       (oe_sockaddr *)(void *)address, sizeof(address), &told);
    host = cm_host_number(call, got, CM_HOST_FD_MAX);
    if (host < 0) {
        return host;
    }
    r = cm_socket_address(s, address, told, addr, len);
    if (r == 0 && (flags & SOCK_NONBLOCK) != 0) {
        r = cm_host_control(host, F_SETFL, O_RDWR | O_NONBLOCK);
    }
    if (r != 0) {
        (void)close_host(host);
        return r;
    }
    return socket_make(host, s->domain, s->type, flags);
}

static long do_name(struct cm_socket *s, void *addr, socklen_t *len, bool peer)
{
    unsigned char address[CM_ADDRESS_MAX] = {0};
    oe_sockaddr *room = (oe_sockaddr *)(void *)address;
    oe_socklen_t told = 0;
    int got = -1;
    oe_result_t call;
    long r;

    if (addr == NULL || len == NULL) {
        return -EFAULT;
    }
    call = peer ? CM_HOST_ASK("socket", oe_syscall_getpeername_ocall, &got, s->host, room,
                              sizeof(address), &told)
                : CM_HOST_ASK("socket", oe_syscall_getsockname_ocall, &got, s->host, room,
                              sizeof(address), &told);
    r = cm_host_done(call, got);
    return r < 0 ? r : cm_socket_address(s, address, told, addr, len);
}

static long do_setsockopt(struct cm_socket *s, int level, int name, const void *value,
                          socklen_t len)
{
    int got = -1;
    oe_result_t call;

    if (len > OPTION_MAX) {
        return -EINVAL;
    }
    call =
        CM_HOST_ASK("socket", oe_syscall_setsockopt_ocall, &got, s->host, level, name, value, len);
    return cm_host_done(call, got);
}

static long do_getsockopt(struct cm_socket *s, int level, int name, void *value, socklen_t *len)
{
    oe_socklen_t told = 0;
    oe_socklen_t room;
    int got = -1;
    oe_result_t call;
    long r;

    if (value == NULL || len == NULL) {
        return -EFAULT;
    }
    room = *len < OPTION_MAX ? *len : OPTION_MAX;
    call = CM_HOST_ASK("socket", oe_syscall_getsockopt_ocall, &got, s->host, level, name, value,
                       room, &told);
    r = cm_host_done(call, got);
    if (r == 0) {
        if (told > room) {
            return -EIO;
        }
        *len = told;
    }
    return r;
}

static long do_addressed(long number, struct cm_socket *s, const void *addr, socklen_t len)
{
    int got = -1;
    oe_result_t call;

    if (addr == NULL || len > CM_ADDRESS_MAX) {
        return addr == NULL ? -EFAULT : -EINVAL;
    }
    call = number == SYS_bind
               ? CM_HOST_ASK("socket", oe_syscall_bind_ocall, &got, s->host, addr, len)
               : CM_HOST_ASK("socket", oe_syscall_connect_ocall, &got, s->host, addr, len);
    return cm_host_done(call, got);
}

static long do_listen_or_shutdown(long number, struct cm_socket *s, int arg)
{
    int got = -1;
    oe_result_t call = number == SYS_listen
                           ? CM_HOST_ASK("socket", oe_syscall_listen_ocall, &got, s->host, arg)
                           : CM_HOST_ASK("socket", oe_syscall_shutdown_ocall, &got, s->host, arg);

    return cm_host_done(call, got);
}

static long on_socket(long number, struct cm_socket *s, const long a[6])
{
    switch (number) {
    case SYS_bind:
    case SYS_connect:
        return do_addressed(number, s, cm_sys_ptr(a[1]), (socklen_t)a[2]);
    case SYS_listen:
    case SYS_shutdown:
        return do_listen_or_shutdown(number, s, (int)a[1]);
    case SYS_accept:
        return do_accept(s, cm_sys_ptr(a[1]), cm_sys_ptr(a[2]), 0);
    case SYS_accept4:
        return do_accept(s, cm_sys_ptr(a[1]), cm_sys_ptr(a[2]), (int)a[3]);
    case SYS_getsockname:
        return do_name(s, cm_sys_ptr(a[1]), cm_sys_ptr(a[2]), false);
    case SYS_getpeername:
        return do_name(s, cm_sys_ptr(a[1]), cm_sys_ptr(a[2]), true);
    case SYS_setsockopt:
        return do_setsockopt(s, (int)a[1], (int)a[2], cm_sys_ptr(a[3]), (socklen_t)a[4]);
    case SYS_getsockopt:
        return do_getsockopt(s, (int)a[1], (int)a[2], cm_sys_ptr(a[3]), cm_sys_ptr(a[4]));
    case SYS_recvfrom:
        return cm_socket_recv(s, cm_sys_ptr(a[1]), (size_t)a[2], (int)a[3], cm_sys_ptr(a[4]),
                              cm_sys_ptr(a[5]));
    case SYS_sendto:
        return cm_socket_send(s, cm_sys_ptr(a[1]), (size_t)a[2], (int)a[3], cm_sys_ptr(a[4]),
                              a[4] == 0 ? 0 : (socklen_t)a[5]);
    case SYS_recvmsg:
        return cm_socket_recvmsg(s, cm_sys_ptr(a[1]), (int)a[2]);
    case SYS_sendmsg:
        return cm_socket_sendmsg(s, cm_sys_ptr(a[1]), (int)a[2]);
    default:
        return -ENOSYS;
    }
}

static bool takes_socket(long number)
{
    static const short numbers[] = {
        SYS_bind,     SYS_connect,     SYS_listen,      SYS_shutdown,   SYS_accept,
        SYS_accept4,  SYS_getsockname, SYS_getpeername, SYS_setsockopt, SYS_getsockopt,
        SYS_recvfrom, SYS_sendto,      SYS_recvmsg,     SYS_sendmsg};
    size_t i;

    for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        if (numbers[i] == number) {
            return true;
        }
    }
    return false;
}

static long serve(long number, const long a[6])
{
    struct cm_file *f = NULL;
    long r;

    if (number == SYS_socket) {
        return do_socket((int)a[0], (int)a[1], (int)a[2]);
    }
    if (number == SYS_socketpair) {
        return do_socketpair((int)a[0], (int)a[1], (int)a[2], cm_sys_ptr(a[3]));
    }
    if (!takes_socket(number)) {
        return -ENOSYS;
    }
    f = cm_fd_get(a[0]);
    if (f == NULL) {
        return -EBADF;
    }
    r = f->ops == &socket_ops ? on_socket(number, as_socket(f), a) : -ENOTSOCK;
    (void)cm_file_put(f);
    return r;
}

oe_result_t oe_load_module_host_socket_interface(void)
{
    cm_sys_link();
    cm_sys_serve(CM_SYS_SOCKETS, serve);
    return OE_OK;
}
