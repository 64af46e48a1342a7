/* Work on sockets and names; see syscall_work.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "syscall_work.h"

static struct sockaddr *generic(void *p)
{
    return p;
}

static struct sockaddr_in loopback(int port)
{
    struct sockaddr_in a = {0};

    a.sin_family = AF_INET;
    a.sin_port = htons((unsigned short)port);
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return a;
}

static void options(int fd, struct work_log *log)
{
    int value = 1;
    struct timeval t = {3, 0};
    socklen_t len = sizeof(value);

    work_note(log, "SO_REUSEADDR", setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &value, len));
    value = 0;
    work_note(log, "SO_REUSEADDR", getsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &value, &len));
    work_note(log, "value", value);
    work_note(log, "length", (long)len);
    work_note(log, "SO_TYPE", getsockopt(fd, SOL_SOCKET, SO_TYPE, &value, &len));
    work_note(log, "value", value);
    work_note(log, "TCP_NODELAY", setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, len));
    work_note(log, "SO_RCVTIMEO", setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)));
    t.tv_sec = 0;
    len = sizeof(t);
    work_note(log, "SO_RCVTIMEO", getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, &len));
    work_note(log, "seconds", (long)t.tv_sec);
    work_note(log, "no such option", setsockopt(fd, SOL_SOCKET, 9999, &value, sizeof(value)));
}

static void big_stream(int from, int to, struct work_log *log)
{
    enum { BIG = 150000 };
    unsigned char *bytes = calloc(1, BIG);
    long sent = 0;
    long got = 0;

    (void)fcntl(from, F_SETFL, O_NONBLOCK);
    (void)fcntl(to, F_SETFL, O_NONBLOCK);
    while (got < BIG) {
        long n = sent < BIG ? send(from, bytes, (size_t)(BIG - sent), 0) : 0;

        sent += n > 0 ? n : 0;
        n = recv(to, bytes, BIG, 0);
        got += n > 0 ? n : 0;
    }
    work_note(log, "big stream", got);
    work_note(log, "nothing more", recv(to, bytes, 1, 0));
    work_note(log, "F_GETFL", fcntl(to, F_GETFL) & O_NONBLOCK);
    (void)fcntl(from, F_SETFL, 0);
    (void)fcntl(to, F_SETFL, 0);
    free(bytes);
}

static void stream(struct work_log *log)
{
    struct sockaddr_in a = loopback(0);
    struct sockaddr_in b = {0};
    socklen_t len = sizeof(b);
    char text[16] = "";
    int waiting = 0;
    int server = socket(AF_INET, SOCK_STREAM, 0);
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
    int peer;
    struct stat s;

    options(server, log);
    work_note(log, "bind", bind(server, generic(&a), sizeof(a)));
    work_note(log, "listen", listen(server, 5));
    work_note(log, "getsockname", getsockname(server, generic(&b), &len));
    work_note(log, "length", (long)len);
    work_note(log, "family", b.sin_family);
    work_note(log, "has a port", b.sin_port != 0);
    a = b;
    len = 4;
    work_note(log, "getsockname in 4", getsockname(server, generic(&b), &len));
    work_note(log, "length", (long)len);
    work_note(log, "getpeername of none", getpeername(client, generic(&b), &len));
    work_note(log, "connect", connect(client, generic(&a), sizeof(a)));
    len = sizeof(b);
    peer = accept(server, generic(&b), &len);
    work_note(log, "accept", peer > client);
    work_note(log, "length", (long)len);
    work_note(log, "from loopback", b.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
    work_note(log, "connect again", connect(client, generic(&a), sizeof(a)));
    work_note(log, "send", send(client, "hello", 5, 0));
    work_note(log, "write", write(client, " there", 6));
    work_note(log, "peek", recv(peer, text, 5, MSG_PEEK | MSG_WAITALL));
    work_note(log, "FIONREAD", ioctl(peer, FIONREAD, &waiting));
    work_note(log, "waiting", waiting);
    work_note(log, "recv", recv(peer, text, 11, MSG_WAITALL));
    work_text(log, "text", text);
    work_note(log, "MSG_DONTWAIT", recv(peer, text, 5, MSG_DONTWAIT));
    work_note(log, "lseek", lseek(peer, 0, SEEK_SET));
    work_note(log, "fstat", fstat(peer, &s));
    work_note(log, "socket", S_ISSOCK(s.st_mode));
    big_stream(client, peer, log);
    work_note(log, "shutdown", shutdown(client, SHUT_WR));
    work_note(log, "shutdown wrong", shutdown(client, 9));
    work_note(log, "read the end", read(peer, text, 5));
    work_note(log, "send after shutdown", send(client, "x", 1, MSG_NOSIGNAL));
    work_note(log, "close", close(peer));
    work_note(log, "close", close(client));
    work_note(log, "close", close(server));
    work_note(log, "recv on closed", recv(server, text, 1, 0));
}

static void datagrams(struct work_log *log)
{
    struct sockaddr_in a = loopback(0);
    struct sockaddr_in b = {0};
    socklen_t len = sizeof(a);
    char text[16] = "";
    int one = socket(AF_INET, SOCK_DGRAM, 0);
    int two = socket(AF_INET, SOCK_DGRAM, 0);

    work_note(log, "bind", bind(one, generic(&a), len));
    work_note(log, "getsockname", getsockname(one, generic(&a), &len));
    work_note(log, "sendto", sendto(two, "a datagram", 10, 0, generic(&a), len));
    work_note(log, "sendto too far", sendto(two, "x", 1, 0, generic(&a), 3));
    len = sizeof(b);
    work_note(log, "recvfrom", recvfrom(one, text, 4, MSG_TRUNC, generic(&b), &len));
    work_text(log, "text", text);
    work_note(log, "family", b.sin_family);
    work_note(log, "length", (long)len);
    work_note(log, "back", sendto(one, "", 0, 0, generic(&b), len));
    work_note(log, "empty", recv(two, text, sizeof(text), 0));
    (void)close(one);
    (void)close(two);
}

static void messages(struct work_log *log)
{
    char room[2][8] = {"", ""};
    char one[] = "part1";
    char two[] = "two";
    int pair[2] = {-1, -1};
    union {
        struct cmsghdr align;
        char bytes[64];
    } control = {0};
    struct iovec out[2] = {{one, 5}, {two, 3}};
    struct iovec in[2] = {{room[0], 2}, {room[1], 7}};
    struct msghdr m = {.msg_iov = out, .msg_iovlen = 2};

    work_note(log, "socketpair", socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
    work_note(log, "sendmsg", sendmsg(pair[0], &m, 0));
    m.msg_iov = in;
    m.msg_control = &control;
    m.msg_controllen = sizeof(control);
    work_note(log, "recvmsg", recvmsg(pair[1], &m, 0));
    work_text(log, "first", room[0]);
    work_text(log, "second", room[1]);
    work_note(log, "control", (long)m.msg_controllen);
    work_note(log, "writev", writev(pair[1], out, 2));
    work_note(log, "one message", recv(pair[0], room[0], 8, 0));
    work_note(log, "socketpair of inet", socketpair(AF_INET, SOCK_STREAM, 0, pair));
    (void)close(pair[0]);
    (void)close(pair[1]);
}

static void local(const char *folder, struct work_log *log)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    struct sockaddr_un b = {0};
    socklen_t len = sizeof(b);
    int server = socket(AF_UNIX, SOCK_STREAM, 0);
    int client = socket(AF_UNIX, SOCK_STREAM, 0);
    int peer;

    (void)snprintf(a.sun_path, sizeof(a.sun_path), "%s/sock", folder);
    work_note(log, "bind", bind(server, generic(&a), sizeof(a)));
    work_note(log, "listen", listen(server, 1));
    work_note(log, "connect", connect(client, generic(&a), sizeof(a)));
    peer = accept4(server, generic(&b), &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    work_note(log, "accept4", peer > client);
    work_note(log, "length", (long)len);
    work_note(log, "F_GETFL", fcntl(peer, F_GETFL) & O_NONBLOCK);
    work_note(log, "F_GETFD", fcntl(peer, F_GETFD));
    work_note(log, "would block", read(peer, &b, 1));
    len = sizeof(b);
    work_note(log, "getpeername", getpeername(client, generic(&b), &len));
    work_note(log, "the path", strcmp(a.sun_path, b.sun_path));
    work_note(log, "not a socket", listen(STDIN_FILENO, 1));
    work_note(log, "no such family", socket(12345, SOCK_STREAM, 0));
    (void)close(peer);
    (void)close(client);
    (void)close(server);
}

void work_sockets(const char *folder, struct work_log *log)
{
    stream(log);
    datagrams(log);
    messages(log);
    local(folder, log);
}

static void look_up(const char *host, const char *service, int flags, struct work_log *log)
{
    struct addrinfo hints = {.ai_flags = flags, .ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    char name[64] = "";
    char port[16] = "";
    int r = getaddrinfo(host, service, &hints, &list);

    work_note(log, host == NULL ? "(none)" : host, r < 0 ? r * 1000 : r);
    if (r != 0) {
        return;
    }
    work_note(log, "type", list->ai_socktype);
    work_note(log, "protocol", list->ai_protocol);
    work_note(log, "length", (long)list->ai_addrlen);
    work_text(log, "name", list->ai_canonname);
    r = getnameinfo(list->ai_addr, list->ai_addrlen, name, sizeof(name), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV);
    work_note(log, "getnameinfo", r);
    work_text(log, "address", name);
    work_text(log, "port", port);
    r = getnameinfo(list->ai_addr, list->ai_addrlen, name, 3, NULL, 0, NI_NUMERICHOST);
    work_note(log, "getnameinfo in 3", r * 1000);
    freeaddrinfo(list);
}

static void show_host(const char *name, const struct hostent *h, struct work_log *log)
{
    char text[INET6_ADDRSTRLEN] = "";

    work_text(log, name, h == NULL ? NULL : h->h_name);
    work_note(log, "error", h == NULL ? h_errno * 1000 : 0);
    if (h == NULL) {
        return;
    }
    work_note(log, "family", h->h_addrtype);
    work_note(log, "length", h->h_length);
    work_note(log, "aliases", h->h_aliases[0] != NULL);
    work_text(log, "address", inet_ntop(h->h_addrtype, h->h_addr_list[0], text, sizeof(text)));
    work_note(log, "second", h->h_addr_list[1] != NULL);
}

static void old_names(struct work_log *log)
{
    const struct in_addr loop = {htonl(INADDR_LOOPBACK)};
    struct hostent host = {0};
    struct hostent *found = NULL;
    char room[256];
    int error = 0;

    show_host("by name", gethostbyname("localhost"), log);
    show_host("by number", gethostbyname("127.0.0.1"), log);
    show_host("in IPv6", gethostbyname2("::1", AF_INET6), log);
    show_host("unknown", gethostbyname("-"), log);
    found = gethostbyaddr(&loop, sizeof(loop), AF_INET);
    work_note(log, "by address", found != NULL);
    work_note(log, "no room", gethostbyname_r("127.0.0.1", &host, room, 20, &found, &error));
    work_note(log, "room", gethostbyname_r("127.0.0.1", &host, room, sizeof(room), &found, &error));
    work_note(log, "found", found == &host);
}

static void services(struct work_log *log)
{
    static const struct {
        const char *name;
        const char *protocol;
    } asked[] = {{"https", "tcp"}, {"http", NULL}, {"ntp", "udp"},
                 {"80", "tcp"},    {"-", "tcp"},   {"http", "none"}};

    for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
        const struct servent *s = getservbyname(asked[i].name, asked[i].protocol);

        work_text(log, asked[i].name, s == NULL ? NULL : s->s_proto);
        work_note(log, "port", s == NULL ? 0 : ntohs((uint16_t)s->s_port));
    }
    work_note(log, "by port", getservbyport(htons(443), "tcp") != NULL);
}

void work_names(const char *folder, struct work_log *log)
{
    (void)folder;
    look_up("127.0.0.1", "443", AI_NUMERICHOST | AI_NUMERICSERV, log);
    look_up("127.0.0.1", NULL, AI_CANONNAME | AI_NUMERICHOST, log);
    look_up(NULL, "80", AI_PASSIVE | AI_NUMERICSERV, log);
    look_up("not a number", "80", AI_NUMERICHOST, log);
    look_up("127.0.0.1", "not a number", AI_NUMERICHOST | AI_NUMERICSERV, log);
    look_up("localhost", "80", AI_NUMERICSERV, log);
    look_up(NULL, NULL, 0, log);
    old_names(log);
    services(log);
}
