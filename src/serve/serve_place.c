/* What only one instance can have: the state folder, and the port. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/try.h"
#include "serve/serve_private.h"

/* Its parents must be there, but for the last of the default's. */
enum cm_status cm_serve_folder(const char *path, bool for_another, struct cm_why *why)
{
    struct stat s;

    if (path[0] != '/') {
        cm_why_set(why, "the state folder is an absolute path");
        return CM_ERR_PARAM;
    }
    if ((mkdir(path, 0700) != 0 && errno != EEXIST) || stat(path, &s) != 0) {
        cm_why_set(why, "%.150s: %s", path, strerror(errno));
        return errno == EACCES ? CM_ERR_DENIED : CM_ERR_IO;
    }
    if (!S_ISDIR(s.st_mode) || (s.st_uid != geteuid() && !(for_another && geteuid() == 0)) ||
        (s.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        cm_why_set(why,
                   "%.150s must be a folder of the user that runs the service, in which"
                   " nobody else may write",
                   path);
        return CM_ERR_DENIED;
    }
    return CM_OK;
}

static enum cm_status take_lock(const char *state, int *out, struct cm_why *why)
{
    char path[4096] = "";

    (void)snprintf(path, sizeof(path), "%s/lock", state);
    *out = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (*out < 0) {
        cm_why_set(why, "%.150s: %s", path, strerror(errno));
        return CM_ERR_IO;
    }
    if (flock(*out, LOCK_EX | LOCK_NB) != 0) {
        cm_why_set(why, "another service has the state folder %.150s", state);
        return CM_ERR_BUSY;
    }
    return CM_OK;
}

static socklen_t address_of(const char *text, uint16_t port, struct sockaddr_storage *out)
{
    struct sockaddr_in *four = (struct sockaddr_in *)(void *)out;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)(void *)out;

    memset(out, 0, sizeof(*out));
    if (inet_pton(AF_INET, text, &four->sin_addr) == 1) {
        four->sin_family = AF_INET;
        four->sin_port = htons(port);
        return sizeof(*four);
    }
    if (inet_pton(AF_INET6, text, &six->sin6_addr) == 1) {
        six->sin6_family = AF_INET6;
        six->sin6_port = htons(port);
        return sizeof(*six);
    }
    return 0;
}

/*
 * The web server's sockets share their port, one for each loop, and would share it with another program's of
 * this user: whoever has it is found by a socket that does not share.
 */
static enum cm_status hold_port(struct cm_serve_config *c, int *out, struct cm_why *why)
{
    char address[64] = "";
    char listen[96] = "";
    uint16_t port = 0;
    struct sockaddr_storage a;
    socklen_t len = 0;
    const int one = 1;
    int fd = -1;
    enum cm_status st = CM_OK;

    CM_TRY(cm_serve_listen(c->listen, address, &port, why));
    len = address_of(address, port, &a);
    fd = len == 0 ? -1 : socket(a.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 ||
        (port == 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)) != 0) ||
        bind(fd, (const struct sockaddr *)&a, len) != 0 ||
        getsockname(fd, (struct sockaddr *)&a, &len) != 0) {
        cm_why_set(why, "%s: %s", c->listen, len == 0 ? "no numeric address" : strerror(errno));
        st = len == 0 ? CM_ERR_PARAM : errno == EADDRINUSE ? CM_ERR_BUSY : CM_ERR_IO;
        goto out;
    }
    if (port == 0) {
        const uint16_t found = a.ss_family == AF_INET6
                                   ? ((const struct sockaddr_in6 *)(const void *)&a)->sin6_port
                                   : ((const struct sockaddr_in *)(const void *)&a)->sin_port;

        (void)snprintf(listen, sizeof(listen), a.ss_family == AF_INET6 ? "[%s]:%u" : "%s:%u",
                       address, ntohs(found));
        free(c->listen);
        c->listen = strdup(listen);
        *out = fd;
        fd = -1;
        st = c->listen == NULL ? CM_ERR_NOMEM : CM_OK;
    }
out:
    if (fd >= 0) {
        (void)close(fd);
    }
    return st;
}

enum cm_status cm_serve_place_take(struct cm_serve_config *c, struct cm_serve_place *out,
                                   struct cm_why *why)
{
    enum cm_status st = CM_OK;

    out->lock = -1;
    out->port = -1;
    CM_TRY(cm_serve_folder(c->state, false, why));
    CM_TRY(take_lock(c->state, &out->lock, why));
    CM_TRY(hold_port(c, &out->port, why));
    CM_TRY(cm_serve_config_defaults(c, why)); /* what depends on the port */
out:
    return st;
}

void cm_serve_place_served(struct cm_serve_place *place)
{
    if (place->port >= 0) {
        (void)close(place->port);
        place->port = -1;
    }
}

void cm_serve_place_leave(struct cm_serve_place *place)
{
    cm_serve_place_served(place);
    if (place->lock >= 0) {
        (void)close(place->lock);
        place->lock = -1;
    }
}
