/*
 * sendmsg and recvmsg. The parts of a message are one piece on their way. Control messages go out and
 * come in whole; those that carry descriptors do neither: the host's numbers mean nothing inside.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "syscall/hostsock.h"

CM_HOST_MAY(oe_syscall_recvmsg_ocall);
CM_HOST_MAY(oe_syscall_sendmsg_ocall);

enum { CONTROL_MAX = 4096, HEAD = sizeof(oe_iovec) };

/* the kernel's struct cmsghdr; the C library's has the same bytes with other types */
struct control_head {
    uint64_t len;
    int level;
    int type;
};

/* The sum of the parts, held to a chunk where that may be. */
static long room_of(const struct msghdr *m, bool stream)
{
    size_t sum = 0;
    int i;

    if (m == NULL) {
        return -EFAULT;
    }
    if (m->msg_iovlen < 0 || m->msg_iovlen > IOV_MAX) {
        return -EMSGSIZE;
    }
    for (i = 0; i < m->msg_iovlen; i++) {
        if (m->msg_iov[i].iov_len > (size_t)SSIZE_MAX - sum) {
            return -EINVAL;
        }
        sum += m->msg_iov[i].iov_len;
    }
    if (sum > CM_HOST_CHUNK) {
        return stream ? (long)CM_HOST_CHUNK : -EMSGSIZE;
    }
    return (long)sum;
}

/* A buffer of one part, as the ocalls have it: its head, then n bytes. */
static unsigned char *make_parcel(size_t n)
{
    unsigned char *parcel = calloc(1, HEAD + n);
    oe_iovec head = {NULL, n};
    const size_t offset = HEAD;

    if (parcel != NULL) {
        memcpy(&head.iov_base, &offset, sizeof(offset)); /* not an address: an offset */
        memcpy(parcel, &head, sizeof(head));
    }
    return parcel;
}

static void gather(const struct msghdr *m, unsigned char *to, size_t n)
{
    int i;

    for (i = 0; i < m->msg_iovlen && n != 0; i++) {
        size_t take = m->msg_iov[i].iov_len < n ? m->msg_iov[i].iov_len : n;

        if (take != 0) {
            memcpy(to, m->msg_iov[i].iov_base, take);
        }
        to += take;
        n -= take;
    }
}

static void scatter(const struct msghdr *m, const unsigned char *from, size_t n)
{
    int i;

    for (i = 0; i < m->msg_iovlen && n != 0; i++) {
        size_t take = m->msg_iov[i].iov_len < n ? m->msg_iov[i].iov_len : n;

        if (take != 0) {
            memcpy(m->msg_iov[i].iov_base, from, take);
        }
        from += take;
        n -= take;
    }
}

/*
 * Walks n bytes of control messages. Those that carry descriptors are refused (to == NULL) or left
 * out; the others are copied to to. The length of what was copied, or -EIO.
 */
static long walk_control(const unsigned char *from, size_t n, unsigned char *to)
{
    size_t used = 0;
    size_t at = 0;

    while (n - at >= sizeof(struct control_head)) {
        struct control_head h;
        size_t whole;

        memcpy(&h, from + at, sizeof(h));
        if (h.len < sizeof(h) || h.len > n - at) {
            return -EIO;
        }
        whole = (h.len + 7) & ~(size_t)7;
        whole = whole > n - at ? n - at : whole;
        if (h.level == SOL_SOCKET && h.type == SCM_RIGHTS) {
            if (to == NULL) {
                return -EOPNOTSUPP;
            }
        } else {
            if (to != NULL) {
                memcpy(to + used, from + at, whole);
            }
            used += whole;
        }
        at += whole;
    }
    return n == at ? (long)used : -EIO;
}

/* With control messages: the one ocall that has them. parcel holds n bytes. */
static long send_with_control(struct cm_socket *s, const struct msghdr *m, unsigned char *parcel,
                              size_t n, int flags)
{
    ssize_t got = -1;
    oe_result_t call;
    long r;

    if (m->msg_controllen > CONTROL_MAX || m->msg_namelen > CM_ADDRESS_MAX) {
        return -EINVAL;
    }
    r = walk_control(m->msg_control, m->msg_controllen, NULL);
    if (r < 0) {
        return r == -EIO ? -EINVAL : r;
    }
    call = CM_HOST_ASK("socket", oe_syscall_sendmsg_ocall, &got, s->host, m->msg_name,
                       m->msg_name == NULL ? 0 : m->msg_namelen, parcel, 1, HEAD + n,
                       m->msg_control, m->msg_controllen, flags);
    return cm_host_number(call, got, (int64_t)n);
}

long cm_socket_sendmsg(struct cm_socket *s, const struct msghdr *m, int flags)
{
    const long n = room_of(m, s->type == SOCK_STREAM);
    unsigned char *parcel;
    long r;

    if (n < 0) {
        return n;
    }
    parcel = make_parcel((size_t)n);
    if (parcel == NULL) {
        return -ENOMEM;
    }
    gather(m, parcel + HEAD, (size_t)n);
    if (m->msg_controllen != 0 && m->msg_control != NULL) {
        r = send_with_control(s, m, parcel, (size_t)n, flags);
    } else {
        r = cm_socket_send(s, parcel + HEAD, (size_t)n, flags, m->msg_name,
                           m->msg_name == NULL ? 0 : m->msg_namelen);
    }
    free(parcel);
    return r;
}

static long recv_with_control(struct cm_socket *s, struct msghdr *m, unsigned char *parcel,
                              size_t n, int flags)
{
    const size_t ask = m->msg_controllen < CONTROL_MAX ? m->msg_controllen : CONTROL_MAX;
    unsigned char address[CM_ADDRESS_MAX] = {0};
    unsigned char control[CONTROL_MAX] = {0};
    oe_socklen_t told_address = 0;
    size_t told_control = 0;
    ssize_t got = -1;
    long kept;
    long a;
    oe_result_t call =
        CM_HOST_ASK("socket", oe_syscall_recvmsg_ocall, &got, s->host, address, sizeof(address),
                    &told_address, parcel, 1, HEAD + n, control, ask, &told_control, flags);
    long r = cm_host_number(call, got, (int64_t)n);

    if (r < 0) {
        return r;
    }
    a = cm_socket_address(s, address, told_address, m->msg_name, &m->msg_namelen);
    if (a < 0 || told_control > ask) {
        return -EIO;
    }
    kept = walk_control(control, told_control, m->msg_control);
    if (kept < 0) {
        return kept;
    }
    m->msg_controllen = (socklen_t)kept;
    return r;
}

long cm_socket_recvmsg(struct cm_socket *s, struct msghdr *m, int flags)
{
    const long room = room_of(m, true);
    unsigned char *parcel;
    size_t n;
    long r;

    if (room < 0) {
        return room;
    }
    n = (size_t)room;
    parcel = make_parcel(n);
    if (parcel == NULL) {
        return -ENOMEM;
    }
    m->msg_flags = 0;
    if (m->msg_controllen != 0 && m->msg_control != NULL) {
        r = recv_with_control(s, m, parcel, n, flags);
    } else {
        m->msg_controllen = 0;
        r = cm_socket_recv(s, parcel + HEAD, n, flags, m->msg_name, &m->msg_namelen);
    }
    if (r > 0) {
        scatter(m, parcel + HEAD, (size_t)r < n ? (size_t)r : n);
    }
    free(parcel);
    return r;
}
