/*
 * An enclave that loads the modules and imports none of their EDL files: every call is ENOSYS, and
 * the console works. What the application defines itself is asked first.
 */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <openenclave/enclave.h>
#include <openenclave/tracee.h>

#include "noimport_t.h"

/* what the application answers itself */
long oe_SYS_getpgrp_impl(void);
long oe_SYS_mkdir_impl(long path, long mode);

long oe_SYS_getpgrp_impl(void)
{
    return 4711;
}

long oe_SYS_mkdir_impl(long path, long mode)
{
    errno = path != 0 && mode == 0700 ? EDQUOT : EINVAL;
    return -1;
}

static int heard;

static void hear(void *context, oe_log_level_t level, uint64_t thread, const char *line)
{
    (void)context;
    (void)thread;
    heard += level == OE_LOG_LEVEL_ERROR && strstr(line, "openenclave/edl/signal.edl") != NULL;
}

/* how often the application's log callback is told of the missing import */
static int64_t kill_heard(void)
{
    (void)oe_enclave_log_set_callback(NULL, hear);
    (void)kill(1, 0);
    (void)kill(1, 0);
    (void)oe_enclave_log_set_callback(NULL, NULL);
    return heard;
}

static int64_t call(const char *name)
{
    struct pollfd p = {STDIN_FILENO, POLLIN, 0};
    struct addrinfo *list = NULL;
    struct utsname u;
    int r;
    struct stat s;

    if (strcmp(name, "load") == 0) {
        return oe_load_module_host_file_system();
    }
    if (strcmp(name, "mount") == 0) {
        return mount("/", "/", OE_HOST_FILE_SYSTEM, 0, NULL);
    }
    if (strcmp(name, "open") == 0) {
        return open("/dev/null", O_RDONLY);
    }
    if (strcmp(name, "stat") == 0) {
        return stat("/", &s);
    }
    if (strcmp(name, "readlink") == 0) {
        char text[8];

        return readlink("/dev/stdin", text, sizeof(text));
    }
    if (strcmp(name, "chmod") == 0) {
        return chmod("/dev/null", 0600);
    }
    if (strcmp(name, "console") == 0) {
        int again = dup(STDOUT_FILENO);

        return again < 3 || write(again, "through a copy\n", 15) != 15 ? -1 : close(again);
    }
    if (strcmp(name, "closed console") == 0) {
        return close(STDOUT_FILENO) == 0 ? write(STDOUT_FILENO, "x", 1) : -2;
    }
    if (strcmp(name, "socket") == 0) {
        return oe_load_module_host_socket_interface() == OE_OK ? socket(AF_INET, SOCK_STREAM, 0)
                                                               : -2;
    }
    if (strcmp(name, "epoll") == 0) {
        return oe_load_module_host_epoll() == OE_OK ? epoll_create1(0) : -2;
    }
    if (strcmp(name, "poll") == 0) {
        return poll(&p, 1, 0);
    }
    if (strcmp(name, "names") == 0) {
        r = oe_load_module_host_resolver() == OE_OK ? getaddrinfo("localhost", "1", NULL, &list)
                                                    : 0;
        return r == EAI_SYSTEM ? -1 : -2;
    }
    if (strcmp(name, "getppid") == 0) {
        return getppid();
    }
    if (strcmp(name, "uname") == 0) {
        return uname(&u);
    }
    if (strcmp(name, "kill") == 0) {
        return kill_heard();
    }
    if (strcmp(name, "getpid") == 0) {
        return getpid();
    }
    if (strcmp(name, "own getpgrp") == 0) {
        return getpgrp();
    }
    if (strcmp(name, "own mkdir") == 0) {
        return mkdir("/somewhere", 0700);
    }
    if (strcmp(name, "own by number") == 0) {
        return syscall(SYS_getpgrp);
    }
    errno = EINVAL;
    return -2;
}

int64_t enc_bare(const char *name, int *error)
{
    int64_t r;

    errno = 0;
    r = call(name);
    *error = errno;
    return r;
}

OE_SET_ENCLAVE_SGX(1, 1, true, 1024, 64, 2);
