/*
 * What a host may answer to the C library inside: any numbers, lengths, names, addresses and structs. The
 * input says which calls are made and what each ocall gives back. Whatever that is, a result is one
 * that Linux could give, nothing beside the caller's buffers is touched (they are exact blocks of the
 * heap), and what is handed on is whole.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <openenclave/bits/fs.h>
#include <openenclave/bits/module.h>

#include "common/reader.h"
#include "libc/inside_console.h"
#include "libc/inside_lock.h"
#include "libc/syscall_resolver.h"
#include "syscall/sys_core.h"
#include "syscall/sys_host.h"
#include "syscall/sys_mounts.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

enum { CALLS = 40, ERRNO_MAX = 133 };

static struct cm_rd input;
static const struct cm_resolver *resolver;

/* --------------------------------------------------------- what stands below src/syscall inside */

void cm_lock(int *lock)
{
    (void)lock;
}

void cm_unlock(int *lock)
{
    (void)lock;
}

long cm_console_write(int fd, const struct iovec *parts, size_t count)
{
    (void)fd;
    (void)parts;
    (void)count;
    return 0;
}

void cm_host_write(int device, const char *text, size_t size);
void cm_host_write(int device, const char *text, size_t size)
{
    (void)device;
    (void)text;
    (void)size;
}

/* as inside: each entry is one block */
void freeaddrinfo(struct addrinfo *list)
{
    while (list != NULL) {
        struct addrinfo *next = list->ai_next;

        free(list);
        list = next;
    }
}

void cm_resolver_set(const struct cm_resolver *r)
{
    resolver = r;
}

/* ------------------------------------------------------------------------ the host */

/* Mostly what an honest host would say; else an error, or any number. */
static int64_t word(int64_t honest)
{
    const uint8_t how = cm_rd_u8(&input);

    if (how < 200) {
        return honest;
    }
    if (how < 225) {
        errno = (int)cm_rd_u16le(&input) - 100;
        return -1;
    }
    return (int64_t)cm_rd_u64le(&input);
}

/* As many bytes of the input as there are, in a piece of memory that the host may fill. */
static void fill(void *out, size_t n)
{
    const size_t have = n < input.left ? n : input.left;

    if (n != 0 && cm_rd_u8(&input) % 4 != 0) {
        cm_rd_copy(&input, out, have < input.left ? have : input.left);
    }
}

/* What generated code does with an answer: the call may fail as a whole, too. */
static oe_result_t done(void)
{
    const uint8_t how = cm_rd_u8(&input);

    return how == 255 ? OE_OUT_OF_MEMORY : how == 254 ? OE_FAILURE : OE_OK;
}

#define ANSWER(name, type, honest, ...)    \
    oe_result_t name(type *r, __VA_ARGS__) \
    {                                      \
        *r = (type)word(honest);
#define END        \
    return done(); \
    }

/* clang-format off */
ANSWER(oe_syscall_open_ocall, oe_host_fd_t, 5, const char *path, int flags, oe_mode_t mode)
    (void)path; (void)flags; (void)mode; END
ANSWER(oe_syscall_read_ocall, ssize_t, (int64_t)n, oe_host_fd_t fd, void *buf, size_t n)
    (void)fd; fill(buf, n); END
ANSWER(oe_syscall_pread_ocall, ssize_t, (int64_t)n, oe_host_fd_t fd, void *buf, size_t n, oe_off_t at)
    (void)fd; (void)at; fill(buf, n); END
ANSWER(oe_syscall_lseek_ocall, oe_off_t, off, oe_host_fd_t fd, oe_off_t off, int whence)
    (void)fd; (void)whence; END
ANSWER(oe_syscall_close_ocall, int, 0, oe_host_fd_t fd)
    (void)fd; END
ANSWER(oe_syscall_opendir_ocall, uint64_t, 1, const char *path)
    (void)path; END
ANSWER(oe_syscall_readdir_ocall, int, 0, uint64_t dir, oe_dirent *entry)
    (void)dir; memcpy(entry->d_name, "name", 5); fill(entry, sizeof(*entry));
    if (input.left == 0) { *r = 1; } END
oe_result_t oe_syscall_rewinddir_ocall(uint64_t dir)
{
    (void)dir;
    return done();
}
ANSWER(oe_syscall_closedir_ocall, int, 0, uint64_t dir)
    (void)dir; END
ANSWER(oe_syscall_stat_ocall, int, 0, const char *path, oe_stat_t *out)
    (void)path; out->st_mode = S_IFREG; fill(out, sizeof(*out)); END
ANSWER(oe_syscall_fstat_ocall, int, 0, oe_host_fd_t fd, oe_stat_t *out)
    (void)fd; out->st_mode = S_IFREG; fill(out, sizeof(*out)); END
ANSWER(oe_syscall_fcntl_ocall, int, 0, oe_host_fd_t fd, int cmd, uint64_t arg, uint64_t n, void *out)
    (void)fd; (void)cmd; (void)arg; fill(out, n); END
ANSWER(oe_syscall_ioctl_ocall, int, 0, oe_host_fd_t fd, uint64_t request, uint64_t arg, uint64_t n, void *out)
    (void)fd; (void)request; (void)arg; fill(out, n); END
ANSWER(cm_syscall_readlink_ocall, ssize_t, (int64_t)n, const char *path, char *text, size_t n)
    (void)path; fill(text, n); END
ANSWER(cm_syscall_statfs_ocall, int, 0, const char *path, uint64_t *numbers)
    (void)path; fill(numbers, 8 * sizeof(*numbers)); END
ANSWER(oe_syscall_socket_ocall, oe_host_fd_t, 6, int domain, int type, int protocol)
    (void)domain; (void)type; (void)protocol; END
ANSWER(oe_syscall_close_socket_ocall, int, 0, oe_host_fd_t fd)
    (void)fd; END
ANSWER(oe_syscall_accept_ocall, oe_host_fd_t, 7, oe_host_fd_t fd, oe_sockaddr *addr, oe_socklen_t n, oe_socklen_t *out)
    (void)fd; fill(addr, n); *out = (oe_socklen_t)word(16); END
ANSWER(oe_syscall_getsockname_ocall, int, 0, oe_host_fd_t fd, oe_sockaddr *addr, oe_socklen_t n, oe_socklen_t *out)
    (void)fd; fill(addr, n); *out = (oe_socklen_t)word(16); END
ANSWER(oe_syscall_getpeername_ocall, int, 0, oe_host_fd_t fd, oe_sockaddr *addr, oe_socklen_t n, oe_socklen_t *out)
    (void)fd; fill(addr, n); *out = (oe_socklen_t)word(16); END
ANSWER(oe_syscall_getsockopt_ocall, int, 0, oe_host_fd_t fd, int level, int name, void *value, oe_socklen_t n, oe_socklen_t *out)
    (void)fd; (void)level; (void)name; fill(value, n); *out = (oe_socklen_t)word(n); END
ANSWER(oe_syscall_recv_ocall, ssize_t, (int64_t)n, oe_host_fd_t fd, void *buf, size_t n, int flags)
    (void)fd; (void)flags; fill(buf, n); END
ANSWER(oe_syscall_recvfrom_ocall, ssize_t, (int64_t)n, oe_host_fd_t fd, void *buf, size_t n, int flags, oe_sockaddr *addr, oe_socklen_t room, oe_socklen_t *out)
    (void)fd; (void)flags; fill(buf, n); fill(addr, room); *out = (oe_socklen_t)word(16); END
ANSWER(oe_syscall_recvmsg_ocall, ssize_t, 8, oe_host_fd_t fd, void *name, oe_socklen_t room, oe_socklen_t *out,
       void *parts, size_t count, size_t n, void *control, size_t control_room, size_t *control_out, int flags)
    (void)fd; (void)count; (void)flags;
    fill((uint8_t *)parts + count * sizeof(oe_iovec), n - count * sizeof(oe_iovec));
    fill(name, room); fill(control, control_room);
    *out = (oe_socklen_t)word(0); *control_out = (size_t)word((int64_t)control_room); END
ANSWER(oe_syscall_getaddrinfo_open_ocall, int, 0, const char *node, const char *service, const oe_addrinfo *hints, uint64_t *handle)
    (void)node; (void)service; (void)hints; *handle = 1; END
ANSWER(oe_syscall_getaddrinfo_read_ocall, int, 0, uint64_t handle, int *flags, int *family, int *type, int *protocol,
       oe_socklen_t room, oe_socklen_t *out, oe_sockaddr *addr, size_t name_room, size_t *name_out, char *name)
    (void)handle; *flags = 0; *type = SOCK_STREAM; *protocol = 0; *family = (int)word(AF_INET);
    if (room >= 2) { addr->sa_family = AF_INET; } fill(addr, room); fill(name, name_room);
    *out = (oe_socklen_t)word(16); *name_out = (size_t)word(0); if (input.left == 0) { *r = 1; } END
ANSWER(oe_syscall_getaddrinfo_close_ocall, int, 0, uint64_t handle)
    (void)handle; END
ANSWER(oe_syscall_getnameinfo_ocall, int, 0, const oe_sockaddr *addr, oe_socklen_t n, char *host, oe_socklen_t host_room, char *service, oe_socklen_t service_room, int flags)
    (void)addr; (void)n; (void)flags; fill(host, host_room); fill(service, service_room); END
ANSWER(oe_syscall_epoll_create1_ocall, oe_host_fd_t, 8, int flags)
    (void)flags; END
ANSWER(oe_syscall_epoll_ctl_ocall, int, 0, int64_t ep, int op, int64_t fd, oe_epoll_event *event)
    (void)ep; (void)op; (void)fd; (void)event; END
ANSWER(oe_syscall_epoll_wait_ocall, int, 1, int64_t ep, oe_epoll_event *events, unsigned most, int timeout)
    (void)ep; (void)timeout; fill(events, most * sizeof(*events)); END
ANSWER(oe_syscall_epoll_close_ocall, int, 0, oe_host_fd_t ep)
    (void)ep; END
ANSWER(oe_syscall_poll_ocall, int, 1, oe_host_pollfd *fds, oe_nfds_t n, int timeout)
    (void)timeout; fill(fds, n * sizeof(*fds)); END
ANSWER(oe_syscall_getgroups_ocall, int, 0, size_t n, unsigned *list)
    fill(list, n * sizeof(*list)); END
ANSWER(oe_syscall_uname_ocall, int, 0, oe_utsname *out)
    fill(out, sizeof(*out)); END
    /* clang-format on */

    /* ------------------------------------------------------------------------ the calls */

    static void
    must(int good)
{
    if (!good) {
        abort();
    }
}

#define CALL(number, ...) call(number, (const long[6]){__VA_ARGS__})

/* -1 to -133, or 0 to most. */
static long call(long number, const long args[6])
{
    long r = cm_sys_core(number, args);

    must(r >= -ERRNO_MAX);
    return r;
}

static long within(long r, size_t most)
{
    must(r < 0 || (size_t)r <= most);
    return r;
}

static void *room(size_t n)
{
    void *p = malloc(n == 0 ? 1 : n);

    must(p != NULL);
    memset(p, 0, n == 0 ? 1 : n);
    return p;
}

static void files(uint8_t which, size_t n)
{
    const long fd = CALL(SYS_open, CM_SYS_ARG("/a/file"), O_RDWR);
    void *buf = room(n);
    struct flock lock = {.l_type = F_WRLCK};
    struct stat s = {.st_size = 0};
    struct statfs v = {.f_bsize = 1};
    int waiting = 0;
    long r;

    switch (which % 8) {
    case 0:
        (void)within(CALL(SYS_read, fd, CM_SYS_ARG(buf), (long)n), n);
        break;
    case 1:
        (void)within(CALL(SYS_pread64, fd, CM_SYS_ARG(buf), (long)n, 9), n);
        break;
    case 2:
        r = CALL(SYS_lseek, fd, (long)n, which & 8 ? SEEK_SET : SEEK_END);
        must(r < 0 || (which & 8) == 0 || r == (long)n);
        break;
    case 3:
        r = which & 8 ? CALL(SYS_fstat, fd, CM_SYS_ARG(&s))
                      : CALL(SYS_stat, CM_SYS_ARG("/a/file"), CM_SYS_ARG(&s));
        must(r < 0 || (r == 0 && s.st_size >= 0 && s.st_mtim.tv_nsec >= 0 &&
                       s.st_mtim.tv_nsec < 1000000000 && s.st_blksize >= 512));
        break;
    case 4:
        r = within(CALL(SYS_readlink, CM_SYS_ARG("/a/link"), CM_SYS_ARG(buf), (long)n), n);
        must(r <= 0 || memchr(buf, 0, (size_t)r) == NULL);
        break;
    case 5:
        r = CALL(SYS_statfs, CM_SYS_ARG("/a"), CM_SYS_ARG(&v));
        must(r < 0 || (v.f_bsize > 0 && v.f_bavail <= v.f_blocks &&
                       v.f_blocks <= (uint64_t)INT64_MAX / (uint64_t)v.f_bsize));
        break;
    case 6:
        r = CALL(SYS_fcntl, fd, F_GETLK, CM_SYS_ARG(&lock));
        must(r < 0 || lock.l_type == F_RDLCK || lock.l_type == F_WRLCK || lock.l_type == F_UNLCK);
        break;
    default:
        r = CALL(SYS_ioctl, fd, FIONREAD, CM_SYS_ARG(&waiting));
        must(r < 0 || waiting >= 0);
        break;
    }
    free(buf);
    (void)CALL(SYS_close, fd);
}

static void folders(size_t n)
{
    const long fd = CALL(SYS_open, CM_SYS_ARG("/a"), O_RDONLY | O_DIRECTORY);
    uint8_t *buf = room(n);
    long r = within(CALL(SYS_getdents64, fd, CM_SYS_ARG(buf), (long)n), n);

    for (long at = 0; at < r;) {
        uint16_t len;
        const char *name = (const char *)buf + at + offsetof(struct dirent, d_name);

        memcpy(&len, buf + at + offsetof(struct dirent, d_reclen), sizeof(len));
        must(len > offsetof(struct dirent, d_name) && len <= r - at);
        must(name[0] != '\0' && memchr(name, 0, len - offsetof(struct dirent, d_name)) != NULL &&
             strchr(name, '/') == NULL);
        at += len;
    }
    free(buf);
    (void)CALL(SYS_lseek, fd, 3, SEEK_SET);
    (void)CALL(SYS_close, fd);
}

static void messages(long fd, size_t n, size_t control_room)
{
    struct iovec part = {room(n), n};
    struct sockaddr_storage name;
    struct msghdr m = {.msg_name = &name, .msg_namelen = sizeof(name), .msg_iov = &part};
    long r;

    m.msg_iovlen = 1;
    m.msg_control = room(control_room);
    m.msg_controllen = control_room;
    r = within(CALL(SYS_recvmsg, fd, CM_SYS_ARG(&m), 0), n);
    must(m.msg_controllen <= control_room && m.msg_namelen <= sizeof(name));
    for (struct cmsghdr *c = r < 0 ? NULL : CMSG_FIRSTHDR(&m); c != NULL; c = CMSG_NXTHDR(&m, c)) {
        must(c->cmsg_len >= sizeof(*c) &&
             (size_t)((uint8_t *)c - (uint8_t *)m.msg_control) + c->cmsg_len <= m.msg_controllen);
        must(c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS);
    }
    free(m.msg_control);
    free(part.iov_base);
}

static void sockets(uint8_t which, size_t n, size_t addr_room)
{
    const long fd = CALL(SYS_socket, AF_INET, SOCK_STREAM, 0);
    void *buf = room(n);
    void *addr = room(addr_room);
    socklen_t len = (socklen_t)addr_room;
    long other = -1;

    switch (which % 6) {
    case 0:
        (void)within(CALL(SYS_recvfrom, fd, CM_SYS_ARG(buf), (long)n, 0, 0, 0), n);
        break;
    case 1:
        (void)within(
            CALL(SYS_recvfrom, fd, CM_SYS_ARG(buf), (long)n, 0, CM_SYS_ARG(addr), CM_SYS_ARG(&len)),
            n);
        break;
    case 2:
        messages(fd, n, addr_room);
        break;
    case 3:
        other = CALL(SYS_accept, fd, CM_SYS_ARG(addr), CM_SYS_ARG(&len));
        (void)CALL(SYS_close, other);
        break;
    case 4:
        (void)CALL(which & 8 ? SYS_getsockname : SYS_getpeername, fd, CM_SYS_ARG(addr),
                   CM_SYS_ARG(&len));
        break;
    default:
        (void)CALL(SYS_getsockopt, fd, SOL_SOCKET, SO_ERROR, CM_SYS_ARG(addr), CM_SYS_ARG(&len));
        must(len <= addr_room);
        break;
    }
    must(len <= sizeof(struct sockaddr_storage) || len == addr_room);
    free(addr);
    free(buf);
    (void)CALL(SYS_close, fd);
}

static void names(size_t n, size_t m)
{
    const struct sockaddr_in in = {.sin_family = AF_INET};
    struct addrinfo *list = NULL;
    char *host = room(n);
    char *service = room(m);

    if (resolver->getaddrinfo("name", "80", NULL, &list) == 0) {
        for (const struct addrinfo *a = list; a != NULL; a = a->ai_next) {
            must(a->ai_addr->sa_family == a->ai_family);
            must((a->ai_family == AF_INET && a->ai_addrlen == sizeof(struct sockaddr_in)) ||
                 (a->ai_family == AF_INET6 && a->ai_addrlen == sizeof(struct sockaddr_in6)));
            must(a->ai_canonname == NULL || strlen(a->ai_canonname) < 1025);
        }
        freeaddrinfo(list);
    }
    if (n != 0 && m != 0 &&
        resolver->getnameinfo((const struct sockaddr *)(const void *)&in, sizeof(in), host,
                              (socklen_t)n, service, (socklen_t)m, 0) == 0) {
        must(memchr(host, 0, n) != NULL && memchr(service, 0, m) != NULL);
    }
    free(host);
    free(service);
}

static void events(size_t most)
{
    const uint64_t secret = 0x1122334455667788u;
    const long fd = CALL(SYS_socket, AF_INET, SOCK_STREAM, 0);
    const long ep = CALL(SYS_epoll_create1, 0);
    struct epoll_event want = {.events = EPOLLIN, .data.u64 = secret};
    struct epoll_event *got = room(most * sizeof(*got));
    struct pollfd p[2] = {{(int)fd, POLLIN, 0}, {-1, POLLIN, 0}};
    long added = CALL(SYS_epoll_ctl, ep, EPOLL_CTL_ADD, fd, CM_SYS_ARG(&want));
    long r = within(CALL(SYS_epoll_wait, ep, CM_SYS_ARG(got), (long)most, 0), most);

    must(r <= (added == 0));
    for (long i = 0; i < r; i++) {
        must(got[i].data.u64 == secret &&
             (got[i].events & ~(uint32_t)(EPOLLIN | EPOLLERR | EPOLLHUP)) == 0);
    }
    r = within(CALL(SYS_poll, CM_SYS_ARG(p), 2, 0), 2);
    must(r < 0 || r == (p[0].revents != 0));
    must((p[0].revents & ~(POLLIN | POLLERR | POLLHUP | POLLNVAL)) == 0 && p[1].revents == 0);
    free(got);
    (void)CALL(SYS_close, ep);
    (void)CALL(SYS_close, fd);
}

static void identity(size_t n)
{
    gid_t *list = room(n * sizeof(*list));
    struct utsname u;

    (void)within(CALL(SYS_getgroups, (long)n, CM_SYS_ARG(list)), n == 0 ? 65536 : n);
    if (CALL(SYS_uname, CM_SYS_ARG(&u)) == 0) {
        must(memchr(u.sysname, 0, sizeof(u.sysname)) != NULL &&
             memchr(u.machine, 0, sizeof(u.machine)) != NULL);
    }
    free(list);
}

static void one_call(void)
{
    const uint8_t kind = cm_rd_u8(&input);
    const uint8_t which = cm_rd_u8(&input);
    const size_t n = cm_rd_u16le(&input) % 700;
    const size_t m = cm_rd_u8(&input);

    switch (kind % 6) {
    case 0:
        files(which, n);
        break;
    case 1:
        folders(n);
        break;
    case 2:
        sockets(which, n, m);
        break;
    case 3:
        names(n, m);
        break;
    case 4:
        events(n % 40 + 1);
        break;
    default:
        identity(n % 40);
        break;
    }
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    static int ready;

    if (!ready) {
        must(oe_load_module_host_file_system() == OE_OK &&
             oe_load_module_host_socket_interface() == OE_OK &&
             oe_load_module_host_resolver() == OE_OK && oe_load_module_host_epoll() == OE_OK &&
             cm_mount_add("/", "/", OE_HOST_FILE_SYSTEM, 0, NULL) == 0 && resolver != NULL);
        ready = 1;
    }
    input = cm_rd_init(cm_span_make(data, size));
    for (unsigned i = 0; i < CALLS && input.left != 0; i++) {
        one_call();
    }
    return 0;
}
