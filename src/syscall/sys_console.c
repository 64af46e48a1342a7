/*
 * Descriptors 0, 1 and 2 of the enclave: the host's standard streams. Output goes the way that every
 * enclave's output goes (src/libc/inside_console.c); input needs openenclave/edl/fcntl.edl. Nothing
 * on them is secret or true.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "libc/inside_console.h"
#include "syscall/sys_file_table.h"
#include "syscall/sys_host.h"

CM_HOST_MAY(oe_syscall_read_ocall);

static long console_read(struct cm_file *f, void *buf, size_t n)
{
    const size_t ask = n < CM_HOST_CHUNK ? n : CM_HOST_CHUNK;
    ssize_t got = -1;
    oe_result_t r;

    if (f != &cm_console_files[STDIN_FILENO]) {
        return -EBADF;
    }
    r = CM_HOST_ASK("fcntl", oe_syscall_read_ocall, &got, STDIN_FILENO, buf, ask);
    return cm_host_number(r, got, (int64_t)ask);
}

static long console_write(struct cm_file *f, const void *buf, size_t n)
{
    struct iovec part = {NULL, n};
    const int fd = f == &cm_console_files[STDERR_FILENO] ? STDERR_FILENO : STDOUT_FILENO;

    if (f == &cm_console_files[STDIN_FILENO]) {
        return -EBADF;
    }
    memcpy(&part.iov_base, &buf, sizeof(buf)); /* only read, but the type cannot say so */
    return cm_console_write(fd, &part, 1);
}

/* a terminal or a pipe on the host: what it is is not asked */
static long console_stat(struct cm_file *f, struct stat *out)
{
    (void)f;
    memset(out, 0, sizeof(*out));
    out->st_mode = S_IFCHR | S_IRUSR | S_IWUSR;
    out->st_nlink = 1;
    out->st_blksize = 1024;
    return 0;
}

static long console_host(struct cm_file *f, int64_t *host)
{
    *host = f - cm_console_files;
    return 0;
}

static long console_ioctl(struct cm_file *f, unsigned long request, long arg)
{
    (void)f;
    (void)request;
    (void)arg;
    return -ENOTTY;
}

static long console_control(struct cm_file *f, int cmd, long arg)
{
    (void)f;
    (void)arg;
    return cmd == F_SETFL ? 0 : -EINVAL;
}

/* all descriptors of the stream are closed; the host keeps its own open */
static long console_close(struct cm_file *f)
{
    (void)f;
    return 0;
}

static const struct cm_file_ops console_ops = {
    .read = console_read,
    .write = console_write,
    .stat = console_stat,
    .ioctl = console_ioctl,
    .control = console_control,
    .host = console_host,
    .close = console_close,
};

struct cm_file cm_console_files[3] = {
    {&console_ops, 1, 1, O_RDONLY, NULL, NULL},
    {&console_ops, 2, 1, O_WRONLY, NULL, NULL},
    {&console_ops, 3, 1, O_WRONLY, NULL, NULL},
};
