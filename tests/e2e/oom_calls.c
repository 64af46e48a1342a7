/*
 * The calls of e2e_oom_test's enclave to the host: what fails for want of memory says ENOMEM, and
 * what was opened can be closed.
 */
#include <casemate/pfs.h>
#include <openenclave/enclave.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "oom_t.h"

static int outcome; /* 0; 1: ENOMEM; else the negated errno that it should not be */
static bool close_failed;

static bool good(long r)
{
    if (r == -1 && outcome >= 0) {
        outcome = errno == ENOMEM ? 1 : -errno;
    }
    return r != -1;
}

/* to close, the host must be asked: without memory for that it stays open there */
static void closed(long r)
{
    close_failed |= !good(r);
}

static bool set_up(void)
{
    return oe_load_module_host_file_system() == OE_OK &&
           oe_load_module_host_socket_interface() == OE_OK &&
           oe_load_module_host_resolver() == OE_OK && oe_load_module_host_epoll() == OE_OK &&
           (mount("/", "/", OE_HOST_FILE_SYSTEM, 0, NULL) == 0 || errno == EBUSY);
}

static void on_files(const char *folder)
{
    char path[128];
    char other[128];
    char link[128];
    char byte = 0;
    struct statvfs v;
    struct stat s;
    void *page;
    int fd;
    int second;

    (void)snprintf(path, sizeof(path), "%s/file", folder);
    (void)snprintf(other, sizeof(other), "%s/./file", folder);
    (void)snprintf(link, sizeof(link), "%s/link", folder);
    fd = open(path, O_CREAT | O_RDWR, 0600);
    if (!good(fd)) {
        return;
    }
    (void)good(write(fd, "text", 4));
    (void)good(pread(fd, &byte, 1, 0));
    (void)good(fstat(fd, &s));
    (void)good(stat(path, &s));
    second = dup(fd);
    if (good(second)) {
        closed(close(second));
    }
    (void)good(fchmod(fd, 0600));
    closed(close(fd));
    (void)good(chmod(path, 0600));
    (void)good(utimensat(AT_FDCWD, path, NULL, 0));
    (void)good(statvfs(path, &v));
    (void)good(symlink("file", link));
    (void)good(readlink(link, other, sizeof(other)) == -1 && errno != ENOENT ? -1 : 0);
    (void)good(unlink(link) == -1 && errno != ENOENT ? -1 : 0);
    (void)snprintf(other, sizeof(other), "%s/./file", folder);
    page = mmap(NULL, 5000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (good(page == MAP_FAILED ? -1 : 0)) {
        (void)good(munmap(page, 5000));
    }
    (void)good(rename(path, other));
    (void)good(unlink(path));
}

static void on_folders(const char *folder)
{
    DIR *d = opendir(folder);
    char where[128];

    if (good(d == NULL ? -1 : 0)) {
        errno = 0;
        while (readdir(d) != NULL) {
        }
        (void)good(errno != 0 ? -1 : 0);
        closed(closedir(d));
    }
    (void)good(chdir(folder));
    (void)good(getcwd(where, sizeof(where)) == NULL ? -1 : 0);
    (void)good(chdir("/"));
}

static void on_events(int fd)
{
    struct epoll_event event = {.events = EPOLLOUT};
    struct pollfd p = {fd, POLLOUT, 0};
    int e = epoll_create1(0);

    (void)good(poll(&p, 1, 0));
    if (good(e)) {
        (void)good(epoll_ctl(e, EPOLL_CTL_ADD, fd, &event));
        (void)good(epoll_wait(e, &event, 1, 0));
        closed(close(e));
    }
}

static void on_sockets(void)
{
    char bytes[4] = "abc";
    struct iovec part = {bytes, sizeof(bytes)};
    struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1};
    struct sockaddr_in a = {.sin_family = AF_INET};
    int pair[2];
    int s = socket(AF_INET, SOCK_STREAM, 0);

    if (good(s)) {
        (void)good(bind(s, (struct sockaddr *)(void *)&a, sizeof(a)));
        closed(close(s));
    }
    if (!good(socketpair(AF_UNIX, SOCK_STREAM, 0, pair))) {
        return;
    }
    on_events(pair[0]);
    if (good(send(pair[0], bytes, sizeof(bytes), 0))) {
        (void)good(recv(pair[1], bytes, sizeof(bytes), 0));
    }
    if (good(sendmsg(pair[1], &m, 0))) {
        (void)good(recvmsg(pair[0], &m, 0));
    }
    closed(close(pair[0]));
    closed(close(pair[1]));
}

static void on_names(void)
{
    const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    struct utsname u;
    int r = getaddrinfo("127.0.0.1", "1", &hints, &list);

    if (r == 0) {
        freeaddrinfo(list);
    } else {
        errno = r == EAI_MEMORY ? ENOMEM : EINVAL;
        (void)good(-1);
    }
    (void)good(uname(&u));
}

/* Without memory the host cannot be asked to close its file, whose lock then stands (EBUSY). */
static bool good_or_held(long r)
{
    if (r == -1 && (errno == EBUSY || errno == ENOENT)) {
        errno = ENOMEM;
    }
    return good(r);
}

/* protected files, in a folder of the root that is mounted once */
int oom_protected(const char *folder)
{
    static char bytes[9000];
    char path[128];
    char other[128];
    struct stat s;
    int fd;

    (void)snprintf(path, sizeof(path), "/protected%s/file", folder);
    (void)snprintf(other, sizeof(other), "/protected%s/other", folder);
    if (cm_load_module_protected_file_system() != OE_OK ||
        (mount("/", "/protected", CM_PROTECTED_FILE_SYSTEM, 0, NULL) != 0 && errno != EBUSY)) {
        return 1;
    }
    outcome = 0;
    fd = open(path, O_CREAT | O_RDWR, 0600);
    if (!good(fd)) {
        return outcome;
    }
    (void)good(write(fd, bytes, sizeof(bytes)));
    (void)good(pread(fd, bytes, 5000, 10));
    (void)good(ftruncate(fd, 100));
    (void)good(fsync(fd));
    (void)good(close(fd));
    (void)good_or_held(stat(path, &s));
    (void)good_or_held(rename(path, other));
    (void)good_or_held(unlink(other));
    return outcome;
}

int oom_calls(const char *folder, bool *open_left)
{
    close_failed = false;
    *open_left = false;
    if (!set_up()) {
        return 1;
    }
    outcome = 0;
    on_files(folder);
    on_folders(folder);
    on_sockets();
    on_names();
    *open_left = close_failed;
    return outcome;
}
