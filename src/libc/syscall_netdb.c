/*
 * The older look-ups of netdb.h, asked as getaddrinfo() would ask them. musl's gethostbyname(),
 * gethostbyname2(), gethostbyname_r() and getservbyname() end here.
 */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { ALIASES = 2 }; /* one, and NULL */

/* A caller's buffer that is filled from its start. */
struct room {
    char *at;
    size_t left;
    bool full;
};

static void *take(struct room *r, size_t size)
{
    void *at = r->at;

    if (r->full || size > r->left) {
        r->full = true;
        return NULL;
    }
    r->at += size;
    r->left -= size;
    return at;
}

static void *take_pointers(struct room *r, size_t count)
{
    const size_t gap = -(uintptr_t)r->at % sizeof(char *);

    (void)take(r, gap);
    return take(r, count * sizeof(char *));
}

static char *take_text(struct room *r, const char *text)
{
    const size_t size = strlen(text) + 1;
    char *copy = take(r, size);

    if (copy != NULL) {
        memcpy(copy, text, size);
    }
    return copy;
}

static const void *address_of(const struct addrinfo *a)
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)a->ai_addr;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)a->ai_addr;

    return a->ai_family == AF_INET ? (const void *)&v4->sin_addr : (const void *)&v6->sin6_addr;
}

/* the resolver gives addresses of the family that was asked for; others would have another length */
static size_t count_of(const struct addrinfo *list, int family)
{
    size_t count = 0;

    for (; list != NULL; list = list->ai_next) {
        count += list->ai_family == family;
    }
    return count;
}

/* False when the room is too small. */
static bool fill(struct hostent *h, const struct addrinfo *list, const char *name, int family,
                 struct room *room)
{
    const size_t length = family == AF_INET ? sizeof(struct in_addr) : sizeof(struct in6_addr);
    const char *canonical = list->ai_canonname != NULL ? list->ai_canonname : name;
    const size_t count = count_of(list, family);
    char **aliases = take_pointers(room, ALIASES);
    char **addresses = take_pointers(room, count + 1);
    char *bytes = take(room, count * length);

    h->h_name = take_text(room, canonical);
    if (h->h_name == NULL) {
        return false;
    }
    aliases[0] = strcmp(canonical, name) != 0 ? take_text(room, name) : NULL;
    aliases[1] = NULL;
    for (size_t i = 0; list != NULL; list = list->ai_next) {
        if (list->ai_family == family) {
            addresses[i] = memcpy(bytes + i * length, address_of(list), length);
            i++;
        }
    }
    addresses[count] = NULL;
    h->h_aliases = aliases;
    h->h_addr_list = addresses;
    h->h_addrtype = family;
    h->h_length = (int)length;
    return !room->full;
}

/* What getaddrinfo said, in the numbers of h_errno; and an error number to return. Never 0, which is
 * how musl's callers of gethostbyname2_r() know that there is an answer. */
static int host_error(int r, int *error)
{
    switch (r) {
    case EAI_NONAME:
        *error = HOST_NOT_FOUND;
        return ENOENT;
    case EAI_AGAIN:
        *error = TRY_AGAIN;
        return EAGAIN;
    case EAI_SYSTEM:
        *error = NO_RECOVERY;
        return errno != 0 ? errno : EIO;
    case EAI_MEMORY:
        *error = NO_RECOVERY;
        return ENOMEM;
    default:
        *error = NO_RECOVERY;
        return EBADMSG;
    }
}

/* NOLINTNEXTLINE(readability-function-size,readability-non-const-parameter): the C library's parameters */
int gethostbyname2_r(const char *name, int family, struct hostent *h, char *buf, size_t size,
                     struct hostent **out, int *error)
{
    /* one kind of socket, or each address would come once for each kind */
    const struct addrinfo hints = {
        .ai_flags = AI_CANONNAME, .ai_family = family, .ai_socktype = SOCK_STREAM};
    struct room room = {buf, size, false};
    struct addrinfo *list = NULL;
    int r;

    *out = NULL;
    if (family != AF_INET && family != AF_INET6) {
        return host_error(EAI_FAMILY, error);
    }
    r = getaddrinfo(name, NULL, &hints, &list);
    if (r != 0) {
        return host_error(r, error);
    }
    if (count_of(list, family) == 0) {
        *error = NO_DATA;
        r = ENODATA;
    } else if (!fill(h, list, name, family, &room)) {
        r = ERANGE;
    } else {
        *out = h;
    }
    freeaddrinfo(list);
    return r;
}

/* The port, in network byte order; -1: the service is not known, or the host said nothing of use. */
static int port_of(const char *name, int type)
{
    const struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = type};
    struct addrinfo *list = NULL;
    int port = -1;

    if (getaddrinfo(NULL, name, &hints, &list) == 0) {
        if (list->ai_family == AF_INET) {
            port = ((const struct sockaddr_in *)(const void *)list->ai_addr)->sin_port;
        }
        freeaddrinfo(list);
    }
    return port;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): the C library's parameters */
int getservbyname_r(const char *name, const char *protocol, struct servent *s, char *buf,
                    size_t size, struct servent **out)
{
    static char tcp_name[] = "tcp"; /* struct servent has no const */
    static char udp_name[] = "udp";
    const bool tcp = protocol == NULL || strcmp(protocol, "tcp") == 0;
    const bool udp = protocol == NULL || strcmp(protocol, "udp") == 0;
    struct room room = {buf, size, false};
    char **aliases = take_pointers(&room, ALIASES);
    char *end = NULL;
    int port = -1;

    *out = NULL;
    if (!tcp && !udp) {
        return EINVAL;
    }
    if (aliases == NULL) {
        return ERANGE;
    }
    (void)strtoul(name, &end, 10);
    if (*end == '\0') {
        return ENOENT; /* a number, which getaddrinfo takes, is no service's name */
    }
    s->s_proto = tcp ? tcp_name : udp_name;
    port = port_of(name, tcp ? SOCK_STREAM : SOCK_DGRAM);
    if (port < 0 && tcp && udp) {
        s->s_proto = udp_name;
        port = port_of(name, SOCK_DGRAM);
    }
    if (port < 0) {
        return ENOENT;
    }
    aliases[0] = NULL;
    memcpy(&s->s_name, &name, sizeof(name)); /* the member is not const; nobody writes there */
    s->s_aliases = aliases;
    s->s_port = port;
    *out = s;
    return 0;
}
