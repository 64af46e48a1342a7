/* sd_notify(3): one datagram to the socket that NOTIFY_SOCKET names. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "serve/serve_private.h"

void cm_serve_notify(const char *text)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    const size_t len = path == NULL ? 0 : strlen(path);
    int fd = -1;

    if (len < 2 || len >= sizeof(a.sun_path) || (path[0] != '/' && path[0] != '@')) {
        return;
    }
    memcpy(a.sun_path, path, len);
    if (path[0] == '@') {
        a.sun_path[0] = '\0'; /* of the abstract kind */
    }
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0) {
        (void)!sendto(fd, text, strlen(text), MSG_NOSIGNAL, (const struct sockaddr *)&a,
                      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
        (void)close(fd);
    }
}

unsigned cm_serve_watchdog(void)
{
    const char *us = getenv("WATCHDOG_USEC");
    const unsigned long long n = us == NULL ? 0 : strtoull(us, NULL, 10);
    const unsigned half = (unsigned)(n / 2000000 < 3600 ? n / 2000000 : 3600);

    return n == 0 ? 0 : half == 0 ? 1 : half;
}
