/* System calls on descriptors: what is common to all kinds of open files. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "syscall/sys_core.h"

enum { GATHER = 65536 }; /* parts up to this sum go in one piece */

static bool may_read(const struct cm_file *f)
{
    return (f->flags & O_ACCMODE) != O_WRONLY && (f->flags & O_PATH) == 0;
}

static bool may_write(const struct cm_file *f)
{
    return (f->flags & O_ACCMODE) != O_RDONLY && (f->flags & O_PATH) == 0;
}

static long read_one(struct cm_file *f, void *buf, size_t n)
{
    if (!may_read(f)) {
        return -EBADF;
    }
    if (f->ops->read == NULL) {
        return f->ops->list != NULL ? -EISDIR : -EINVAL;
    }
    return n > SSIZE_MAX ? -EINVAL : f->ops->read(f, buf, n);
}

static long write_one(struct cm_file *f, const void *buf, size_t n)
{
    if (!may_write(f)) {
        return -EBADF;
    }
    return n > SSIZE_MAX || f->ops->write == NULL ? -EINVAL : f->ops->write(f, buf, n);
}

static long positioned(struct cm_file *f, const long a[6], bool writes)
{
    const size_t n = (size_t)a[2];

    if (!(writes ? may_write(f) : may_read(f))) {
        return -EBADF;
    }
    if (n > SSIZE_MAX || a[3] < 0) {
        return -EINVAL;
    }
    if (writes) {
        return f->ops->pwrite == NULL ? -ESPIPE : f->ops->pwrite(f, cm_sys_ptr(a[1]), n, a[3]);
    }
    if (f->ops->pread == NULL) {
        return f->ops->list != NULL ? -EISDIR : -ESPIPE;
    }
    return f->ops->pread(f, cm_sys_ptr(a[1]), n, a[3]);
}

/* The sum of the parts, or -EINVAL when it is more than a call can say. */
static long sum_of(const struct iovec *parts, long count)
{
    size_t sum = 0;
    long i;

    if (count < 0 || count > IOV_MAX) {
        return -EINVAL;
    }
    for (i = 0; i < count; i++) {
        if (parts[i].iov_len > (size_t)SSIZE_MAX - sum) {
            return -EINVAL;
        }
        sum += parts[i].iov_len;
    }
    return (long)sum;
}

/* One call for all parts: datagrams and lines stay whole. n is the sum. */
static long gathered(struct cm_file *f, const struct iovec *parts, long count, size_t n,
                     bool writes)
{
    unsigned char *all = malloc(n == 0 ? 1 : n);
    size_t at = 0;
    long r;
    long i;

    if (all == NULL) {
        return -ENOMEM;
    }
    for (i = 0; i < count && writes; i++) {
        if (parts[i].iov_len != 0) {
            memcpy(all + at, parts[i].iov_base, parts[i].iov_len);
        }
        at += parts[i].iov_len;
    }
    r = writes ? write_one(f, all, n) : read_one(f, all, n);
    for (i = 0; i < count && !writes && r > 0 && at < (size_t)r; i++) {
        size_t left = (size_t)r - at;
        size_t take = parts[i].iov_len < left ? parts[i].iov_len : left;

        if (take != 0) {
            memcpy(parts[i].iov_base, all + at, take);
        }
        at += take;
    }
    free(all);
    return r;
}

static long vectored(struct cm_file *f, const struct iovec *parts, long count, bool writes)
{
    const long sum = sum_of(parts, count);
    long done = 0;
    long i;

    if (sum < 0) {
        return sum;
    }
    if (count != 1 && sum <= GATHER) {
        return gathered(f, parts, count, (size_t)sum, writes);
    }
    for (i = 0; i < count; i++) {
        long r = writes ? write_one(f, parts[i].iov_base, parts[i].iov_len)
                        : read_one(f, parts[i].iov_base, parts[i].iov_len);

        if (r < 0) {
            return done != 0 ? done : r;
        }
        done += r;
        if ((size_t)r < parts[i].iov_len) {
            break;
        }
    }
    return done;
}

/* As vectored(), from a place on. */
static long vectored_at(struct cm_file *f, const long a[6], bool writes)
{
    const struct iovec *parts = cm_sys_ptr(a[1]);
    const long sum = sum_of(parts, a[2]);
    long done = 0;

    if (sum < 0 || a[3] < 0) {
        return sum < 0 ? sum : -EINVAL;
    }
    for (long i = 0; i < a[2]; i++) {
        const long one[6] = {a[0], CM_SYS_ARG(parts[i].iov_base), (long)parts[i].iov_len,
                             a[3] + done};
        long r = positioned(f, one, writes);

        if (r < 0) {
            return done != 0 ? done : r;
        }
        done += r;
        if ((size_t)r < parts[i].iov_len) {
            break;
        }
    }
    return done;
}

long cm_sys_fstat(struct cm_file *f, struct stat *out)
{
    if (out == NULL) {
        return -EFAULT;
    }
    return f->ops->stat == NULL ? -ENOSYS : f->ops->stat(f, out);
}

static long set_flags(struct cm_file *f, long arg)
{
    enum { CHANGES = O_APPEND | O_NONBLOCK | O_ASYNC | O_DIRECT | O_NOATIME };
    int flags = (f->flags & ~CHANGES) | ((int)arg & CHANGES);
    long r = f->ops->control == NULL ? -EINVAL : f->ops->control(f, F_SETFL, flags);

    if (r == 0) {
        f->flags = flags;
    }
    return r;
}

static long do_fcntl(long fd, int cmd, long arg)
{
    struct cm_file *f = NULL;
    long r;

    if (cmd == F_GETFD) {
        return cm_fd_get_cloexec(fd);
    }
    if (cmd == F_SETFD) {
        return cm_fd_set_cloexec(fd, (arg & FD_CLOEXEC) != 0);
    }
    f = cm_fd_get(fd);
    if (f == NULL) {
        return -EBADF;
    }
    switch (cmd) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
        r = cm_fd_install(f, arg, cmd == F_DUPFD_CLOEXEC);
        if (r >= 0) {
            return r; /* the reference is the new descriptor's */
        }
        break;
    case F_GETFL:
        r = f->flags & ~(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC);
        break;
    case F_SETFL:
        r = set_flags(f, arg);
        break;
    default:
        r = f->ops->control == NULL ? -EINVAL : f->ops->control(f, cmd, arg);
        break;
    }
    (void)cm_file_put(f);
    return r;
}

static long do_ioctl(struct cm_file *f, unsigned long request, long arg)
{
    long r = f->ops->ioctl == NULL ? -ENOTTY : f->ops->ioctl(f, request, arg);

    if (r == 0 && request == FIONBIO) {
        f->flags =
            *(const int *)cm_sys_ptr(arg) != 0 ? f->flags | O_NONBLOCK : f->flags & ~O_NONBLOCK;
    }
    return r;
}

static long do_dup(long fd)
{
    return do_fcntl(fd, F_DUPFD, 0);
}

static long do_dup3(const long a[6])
{
    if (a[0] == a[1] || (a[2] & ~(long)O_CLOEXEC) != 0) {
        return -EINVAL;
    }
    return cm_fd_dup_to(a[0], a[1], (a[2] & O_CLOEXEC) != 0);
}

/* without a host's help: through a piece of the enclave's memory */
static long copy_between(struct cm_file *in, struct cm_file *out, off_t *at, size_t count)
{
    const size_t n = count < GATHER ? count : GATHER;
    unsigned char *piece = malloc(n == 0 ? 1 : n);
    long got;
    long put = 0;

    if (piece == NULL) {
        return -ENOMEM;
    }
    if (at == NULL) {
        got = read_one(in, piece, n);
    } else {
        got = in->ops->pread == NULL || *at < 0 ? -EINVAL : in->ops->pread(in, piece, n, *at);
    }
    if (got > 0) {
        put = write_one(out, piece, (size_t)got);
    }
    if (put > 0 && at != NULL) {
        *at += put;
    }
    free(piece);
    return got <= 0 ? got : put;
}

static long do_sendfile(const long a[6])
{
    struct cm_file *out = cm_fd_get(a[0]);
    struct cm_file *in = cm_fd_get(a[1]);
    long r = -EBADF;

    if (in != NULL && out != NULL && may_read(in) && may_write(out)) {
        r = a[3] < 0 ? -EINVAL : copy_between(in, out, cm_sys_ptr(a[2]), (size_t)a[3]);
    }
    (void)cm_file_put(in);
    (void)cm_file_put(out);
    return r;
}

static long sync_it(struct cm_file *f, bool data_only)
{
    return f->ops->sync == NULL ? -EINVAL : f->ops->sync(f, data_only);
}

static long do_flock(struct cm_file *f, long op)
{
    const long kind = op & ~(long)LOCK_NB;

    if (kind != LOCK_SH && kind != LOCK_EX && kind != LOCK_UN) {
        return -EINVAL;
    }
    return f->ops->flock == NULL ? -EINVAL : f->ops->flock(f, (int)op);
}

static long do_truncate(struct cm_file *f, long len)
{
    if (len < 0 || f->ops->truncate == NULL || !may_write(f)) {
        return -EINVAL;
    }
    return f->ops->truncate(f, len);
}

/* Room for a file's bytes: it becomes that long; holes stay. */
static long do_fallocate(struct cm_file *f, const long a[6])
{
    struct stat s;
    long end;
    long r;

    if (a[1] != 0) {
        return -EOPNOTSUPP;
    }
    if (a[2] < 0 || a[3] <= 0) {
        return -EINVAL;
    }
    if (__builtin_add_overflow(a[2], a[3], &end)) {
        return -EFBIG;
    }
    if (!may_write(f)) {
        return -EBADF;
    }
    r = f->ops->truncate == NULL ? -ENODEV : cm_sys_fstat(f, &s);
    return r == 0 && s.st_size < end ? f->ops->truncate(f, end) : r;
}

/* Calls on one open file. */
static long on_file(long number, struct cm_file *f, const long a[6])
{
    switch (number) {
    case SYS_read:
        return read_one(f, cm_sys_ptr(a[1]), (size_t)a[2]);
    case SYS_write:
        return write_one(f, cm_sys_ptr(a[1]), (size_t)a[2]);
    case SYS_readv:
        return vectored(f, cm_sys_ptr(a[1]), a[2], false);
    case SYS_writev:
        return vectored(f, cm_sys_ptr(a[1]), a[2], true);
    case SYS_pread64:
        return positioned(f, a, false);
    case SYS_pwrite64:
        return positioned(f, a, true);
    case SYS_preadv:
        return vectored_at(f, a, false);
    case SYS_pwritev:
        return vectored_at(f, a, true);
    case SYS_fallocate:
        return do_fallocate(f, a);
    case SYS_lseek:
        return f->ops->seek == NULL ? -ESPIPE : f->ops->seek(f, a[1], (int)a[2]);
    case SYS_fstat:
        return cm_sys_fstat(f, cm_sys_ptr(a[1]));
    case SYS_getdents:
    case SYS_getdents64:
        return f->ops->list == NULL ? -ENOTDIR : f->ops->list(f, cm_sys_ptr(a[1]), (size_t)a[2]);
    case SYS_ftruncate:
        return do_truncate(f, a[1]);
    case SYS_fsync:
        return sync_it(f, false);
    case SYS_fdatasync:
        return sync_it(f, true);
    case SYS_flock:
        return do_flock(f, a[1]);
    case SYS_ioctl:
        return do_ioctl(f, (unsigned long)a[1], a[2]);
    default:
        return -ENOSYS;
    }
}

static bool takes_file(long number)
{
    static const short numbers[] = {
        SYS_read,       SYS_write,     SYS_readv,     SYS_writev,    SYS_pread64, SYS_pwrite64,
        SYS_preadv,     SYS_pwritev,   SYS_fallocate, SYS_lseek,     SYS_fstat,   SYS_getdents,
        SYS_getdents64, SYS_ftruncate, SYS_fsync,     SYS_fdatasync, SYS_flock,   SYS_ioctl};
    size_t i;

    for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        if (numbers[i] == number) {
            return true;
        }
    }
    return false;
}

long cm_sys_fd_call(long number, const long a[6])
{
    struct cm_file *f = NULL;
    long r;

    switch (number) {
    case SYS_close:
        return cm_fd_close(a[0]);
    case SYS_dup:
        return do_dup(a[0]);
    case SYS_dup2:
        return cm_fd_dup_to(a[0], a[1], false);
    case SYS_dup3:
        return do_dup3(a);
    case SYS_fcntl:
        return do_fcntl(a[0], (int)a[1], a[2]);
    case SYS_sendfile:
        return do_sendfile(a);
    default:
        break;
    }
    if (!takes_file(number)) {
        return -ENOSYS;
    }
    f = cm_fd_get(a[0]);
    if (f == NULL) {
        return -EBADF;
    }
    r = on_file(number, f, a);
    (void)cm_file_put(f);
    return r;
}
