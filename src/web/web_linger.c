/*
 * The end of connections whose client is still sending. Who closes such a socket makes the kernel send a
 * reset, and that takes away the refusal which the client has not read yet. So the socket lives on for a
 * moment: our side is ended, what still comes is thrown away. Bounded in number, bytes and time.
 */
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "web/web_private.h"

#define MOST    64u
#define BYTES   ((size_t)16 << 20)
#define SECONDS 5

struct web_linger {
    struct web_loop *loop;
    struct web_linger *next; /* of its loop */
    struct web_linger *prev;
    struct event *input;
    struct event *timer;
    int fd;
    size_t left;
    bool ended; /* our side */
};

void cm_web_linger_free(struct web_linger *l)
{
    if (l->prev != NULL) {
        l->prev->next = l->next;
    } else {
        l->loop->lingers = l->next;
    }
    if (l->next != NULL) {
        l->next->prev = l->prev;
    }
    l->loop->linger_count--;
    if (l->input != NULL) {
        event_free(l->input);
    }
    if (l->timer != NULL) {
        event_free(l->timer);
    }
    (void)close(l->fd);
    free(l);
}

static void on_input(evutil_socket_t fd, short events, void *arg)
{
    struct web_linger *l = arg;
    uint8_t bytes[16384];
    const ssize_t n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);

    (void)events;
    if (n > 0 && (size_t)n <= l->left) {
        l->left -= (size_t)n; /* ciphertext: nothing to be wiped */
    } else {
        cm_web_linger_free(l);
    }
}

/* At first at once, behind what OpenSSL says at a connection's end; then when it has lasted long enough. */
static void on_timer(evutil_socket_t fd, short events, void *arg)
{
    static const struct timeval longest = {SECONDS, 0};
    struct web_linger *l = arg;

    (void)fd;
    (void)events;
    if (l->ended || shutdown(l->fd, SHUT_WR) != 0 || evtimer_add(l->timer, &longest) != 0) {
        cm_web_linger_free(l);
        return;
    }
    l->ended = true;
}

void cm_web_linger(struct web_loop *loop, int fd)
{
    static const struct timeval now = {0, 0};
    struct web_linger *l = NULL;

    if (loop->stopping || loop->linger_count >= MOST || fd < 0) {
        return;
    }
    l = calloc(1, sizeof(*l));
    if (l == NULL) {
        return;
    }
    l->loop = loop;
    l->left = BYTES;
    l->next = loop->lingers;
    if (loop->lingers != NULL) {
        loop->lingers->prev = l;
    }
    loop->lingers = l;
    loop->linger_count++;
    l->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    l->timer = evtimer_new(loop->base, on_timer, l);
    l->input = l->fd < 0 ? NULL : event_new(loop->base, l->fd, EV_READ | EV_PERSIST, on_input, l);
    if (l->input == NULL || l->timer == NULL || event_add(l->input, NULL) != 0 ||
        evtimer_add(l->timer, &now) != 0) {
        cm_web_linger_free(l);
    }
}
