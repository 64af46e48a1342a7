/* Calls on sockets and names on a host that lies; see syscall_probe.c. */
#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "syscall_probe.h"

static int probe_socket(void)
{
    static int fd = -1;

    if (fd < 0) {
        fd = socket(AF_INET, SOCK_DGRAM, 0);
    }
    return fd;
}

static int64_t probe_message(struct probe_room *room, int64_t arg)
{
    union {
        struct cmsghdr align;
        char bytes[48];
    } control = {0};
    struct iovec part = {room->room, (size_t)arg};
    struct sockaddr_in a;
    struct msghdr m = {.msg_name = &a,
                       .msg_namelen = sizeof(a),
                       .msg_iov = &part,
                       .msg_iovlen = 1,
                       .msg_control = &control,
                       .msg_controllen = sizeof(control)};
    ssize_t r = recvmsg(probe_socket(), &m, 0);

    return r < 0 ? r : (int64_t)m.msg_controllen;
}

static int64_t probe_send_descriptor(struct probe_room *room)
{
    union {
        struct cmsghdr head;
        char bytes[24];
    } control = {0};
    struct iovec part = {room->room, 4};
    struct msghdr m = {.msg_iov = &part,
                       .msg_iovlen = 1,
                       .msg_control = &control,
                       .msg_controllen = sizeof(control)};

    control.head.cmsg_len = 20;
    control.head.cmsg_level = SOL_SOCKET;
    control.head.cmsg_type = SCM_RIGHTS;
    return sendmsg(probe_socket(), &m, 0);
}

static int64_t probe_send_beyond(struct probe_room *room)
{
    struct iovec parts[] = {{room->room, 8}, {room->room, SSIZE_MAX}};
    const struct msghdr m = {.msg_iov = parts, .msg_iovlen = 2};

    return sendmsg(probe_socket(), &m, 0);
}

/* the length that came with the address; what the host did not tell is zero */
static int64_t probe_address(const char *name, struct probe_room *room, int64_t arg)
{
    socklen_t len = (socklen_t)arg;
    struct sockaddr *a = (struct sockaddr *)(void *)room->room;
    int64_t r;

    if (strcmp(name, "accept") == 0) {
        r = accept(probe_socket(), a, &len);
        if (r >= 0) {
            (void)close((int)r);
        }
    } else if (strcmp(name, "getsockname") == 0) {
        r = getsockname(probe_socket(), a, &len);
    } else if (strcmp(name, "getpeername") == 0) {
        r = getpeername(probe_socket(), a, &len);
    } else {
        char byte = 0;

        r = recvfrom(probe_socket(), &byte, 1, 0, a, &len);
    }
    return r < 0 ? r : (int64_t)len;
}

static int64_t probe_names(const char *name)
{
    struct sockaddr_in a = {.sin_family = AF_INET};
    struct addrinfo *list = NULL;
    char host[32] = "";
    char port[8] = "";
    int r;

    if (strcmp(name, "getaddrinfo") == 0) {
        r = getaddrinfo("name", "1", NULL, &list);
        if (r == 0) {
            freeaddrinfo(list);
        }
    } else {
        r = getnameinfo((struct sockaddr *)(void *)&a, sizeof(a), host, sizeof(host), port,
                        sizeof(port), 0);
    }
    return r;
}

int64_t probe_sockets(const char *name, struct probe_room *room, int64_t arg)
{
    socklen_t len = (socklen_t)arg;
    int pair[2] = {-1, -1};

    if (strcmp(name, "socket") == 0) {
        return socket(AF_INET, SOCK_STREAM, 0);
    }
    if (strcmp(name, "socketpair") == 0) {
        return socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
    }
    if (strcmp(name, "recv") == 0) {
        return recv(probe_socket(), room->room, (size_t)arg, 0);
    }
    if (strcmp(name, "recvfrom") == 0) {
        struct sockaddr_in a;

        len = sizeof(a);
        return recvfrom(probe_socket(), room->room, (size_t)arg, 0, (struct sockaddr *)(void *)&a,
                        &len);
    }
    if (strcmp(name, "send") == 0) {
        return send(probe_socket(), room->room, (size_t)arg, 0);
    }
    if (strcmp(name, "recvmsg") == 0) {
        return probe_message(room, arg);
    }
    if (strcmp(name, "send descriptor") == 0) {
        return probe_send_descriptor(room);
    }
    if (strcmp(name, "send beyond") == 0) {
        return probe_send_beyond(room);
    }
    if (strcmp(name, "getsockopt") == 0) {
        return getsockopt(probe_socket(), SOL_SOCKET, SO_ERROR, room->room, &len);
    }
    if (strncmp(name, "get", 3) == 0 && strstr(name, "info") != NULL) {
        return probe_names(name);
    }
    return probe_address(name, room, arg);
}
