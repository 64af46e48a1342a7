/*
 * Open files of the host. It keeps the position, and the bytes are its own: what is checked is that
 * no answer reaches beyond what was asked for.
 */
#include "syscall/hostfs_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "syscall/sys_host_fd.h"

CM_HOST_MAY(oe_syscall_read_ocall);
CM_HOST_MAY(oe_syscall_write_ocall);
CM_HOST_MAY(oe_syscall_pread_ocall);
CM_HOST_MAY(oe_syscall_pwrite_ocall);
CM_HOST_MAY(oe_syscall_lseek_ocall);
CM_HOST_MAY(oe_syscall_close_ocall);
CM_HOST_MAY(oe_syscall_flock_ocall);
CM_HOST_MAY(oe_syscall_fsync_ocall);
CM_HOST_MAY(oe_syscall_fdatasync_ocall);
CM_HOST_MAY(oe_syscall_fstat_ocall);
CM_HOST_MAY(oe_syscall_ftruncate_ocall);

static int64_t host_of(struct cm_file *f)
{
    return ((struct cm_host_file *)(void *)f)->host;
}

/* One way of moving bytes: at, where it has one, is the place in the file. */
enum way { READ, WRITE, PREAD, PWRITE };

static long move_chunk(int64_t host, enum way way, void *buf, size_t n, off_t at)
{
    ssize_t got = -1;
    oe_result_t call = OE_UNEXPECTED;

    switch (way) {
    case READ:
        call = CM_HOST_ASK("fcntl", oe_syscall_read_ocall, &got, host, buf, n);
        break;
    case WRITE:
        call = CM_HOST_ASK("fcntl", oe_syscall_write_ocall, &got, host, buf, n);
        break;
    case PREAD:
        call = CM_HOST_ASK("fcntl", oe_syscall_pread_ocall, &got, host, buf, n, at);
        break;
    case PWRITE:
        call = CM_HOST_ASK("fcntl", oe_syscall_pwrite_ocall, &got, host, buf, n, at);
        break;
    }
    return cm_host_number(call, got, (int64_t)n);
}

/* Piece by piece, until one is short: the sum, or the error when nothing was moved before it. */
static long move(struct cm_file *f, enum way way, void *buf, size_t n, off_t at)
{
    unsigned char *bytes = buf;
    size_t done = 0;

    do {
        const size_t left = n - done;
        const size_t ask = left < CM_HOST_CHUNK ? left : CM_HOST_CHUNK;
        long r = move_chunk(host_of(f), way, bytes + done, ask, at + (off_t)done);

        if (r < 0) {
            return done != 0 ? (long)done : r;
        }
        done += (size_t)r;
        if ((size_t)r < ask) {
            break;
        }
    } while (done < n);
    return (long)done;
}

static long file_read(struct cm_file *f, void *buf, size_t n)
{
    return move(f, READ, buf, n, 0);
}

static void *only_read(const void *buf)
{
    void *p = NULL;

    memcpy(&p, &buf, sizeof(p)); /* move() has one type for both directions */
    return p;
}

static long file_write(struct cm_file *f, const void *buf, size_t n)
{
    return move(f, WRITE, only_read(buf), n, 0);
}

static long file_pread(struct cm_file *f, void *buf, size_t n, off_t at)
{
    return move(f, PREAD, buf, n, at);
}

static long file_pwrite(struct cm_file *f, const void *buf, size_t n, off_t at)
{
    return move(f, PWRITE, only_read(buf), n, at);
}

static long file_seek(struct cm_file *f, off_t off, int whence)
{
    oe_off_t got = -1;
    oe_result_t call = CM_HOST_ASK("fcntl", oe_syscall_lseek_ocall, &got, host_of(f), off, whence);
    long r = cm_host_number(call, got, INT64_MAX);

    return r >= 0 && whence == SEEK_SET && r != off ? -EIO : r;
}

static bool makes_sense(const oe_timespec *t)
{
    return t->tv_nsec >= 0 && t->tv_nsec < 1000000000;
}

long cm_host_stat_check(const oe_stat_t *told, struct stat *out)
{
    enum { BLOCK = 4096, BLOCK_LEAST = 512, BLOCK_MOST = 1 << 20 };
    const mode_t type = told->st_mode & S_IFMT;

    if (told->st_size < 0 || told->st_blocks < 0 || !makes_sense(&told->st_atim) ||
        !makes_sense(&told->st_mtim) || !makes_sense(&told->st_ctim) ||
        (told->st_mode & ~(mode_t)(S_IFMT | 07777)) != 0 ||
        (type != S_IFREG && type != S_IFDIR && type != S_IFLNK && type != S_IFCHR &&
         type != S_IFBLK && type != S_IFIFO && type != S_IFSOCK)) {
        return -EIO;
    }
    memset(out, 0, sizeof(*out));
    out->st_dev = told->st_dev;
    out->st_ino = told->st_ino;
    out->st_nlink = told->st_nlink;
    out->st_mode = told->st_mode;
    out->st_uid = told->st_uid;
    out->st_gid = told->st_gid;
    out->st_rdev = told->st_rdev;
    out->st_size = told->st_size;
    out->st_blocks = told->st_blocks;
    /* programs take buffers of this size */
    out->st_blksize =
        told->st_blksize < BLOCK_LEAST || told->st_blksize > BLOCK_MOST ? BLOCK : told->st_blksize;
    out->st_atim =
        (struct timespec){.tv_sec = told->st_atim.tv_sec, .tv_nsec = told->st_atim.tv_nsec};
    out->st_mtim =
        (struct timespec){.tv_sec = told->st_mtim.tv_sec, .tv_nsec = told->st_mtim.tv_nsec};
    out->st_ctim =
        (struct timespec){.tv_sec = told->st_ctim.tv_sec, .tv_nsec = told->st_ctim.tv_nsec};
    return 0;
}

long cm_host_fstat(int64_t host, struct stat *out)
{
    oe_stat_t told;
    int got = -1;
    oe_result_t call;
    long r;

    memset(&told, 0, sizeof(told));
    call = CM_HOST_ASK("fcntl", oe_syscall_fstat_ocall, &got, host, &told);
    r = cm_host_done(call, got);
    return r == 0 ? cm_host_stat_check(&told, out) : r;
}

long cm_host_file_stat(struct cm_file *f, struct stat *out)
{
    return cm_host_fstat(host_of(f), out);
}

static long file_truncate(struct cm_file *f, off_t len)
{
    int got = -1;
    oe_result_t call = CM_HOST_ASK("fcntl", oe_syscall_ftruncate_ocall, &got, host_of(f), len);

    return cm_host_done(call, got);
}

long cm_host_file_sync(struct cm_file *f, bool data_only)
{
    int got = -1;
    oe_result_t call = data_only
                           ? CM_HOST_ASK("fcntl", oe_syscall_fdatasync_ocall, &got, host_of(f))
                           : CM_HOST_ASK("fcntl", oe_syscall_fsync_ocall, &got, host_of(f));

    return cm_host_done(call, got);
}

long cm_host_file_flock(struct cm_file *f, int op)
{
    int got = -1;
    oe_result_t call = CM_HOST_ASK("fcntl", oe_syscall_flock_ocall, &got, host_of(f), op);

    return cm_host_done(call, got);
}

long cm_host_file_control(struct cm_file *f, int cmd, long arg)
{
    return cm_host_control(host_of(f), cmd, arg);
}

static long file_ioctl(struct cm_file *f, unsigned long request, long arg)
{
    return cm_host_ioctl(host_of(f), request, arg);
}

long cm_host_file_number(struct cm_file *f, int64_t *host)
{
    *host = host_of(f);
    return 0;
}

long cm_host_close(int64_t host)
{
    int got = -1;
    oe_result_t call = CM_HOST_ASK("fcntl", oe_syscall_close_ocall, &got, host);

    return cm_host_done(call, got);
}

static long file_close(struct cm_file *f)
{
    long r = cm_host_close(host_of(f));

    free(f);
    return r;
}

long cm_host_file_make(int64_t host, int flags, struct cm_file **out)
{
    static const struct cm_file_ops ops = {
        .read = file_read,
        .write = file_write,
        .pread = file_pread,
        .pwrite = file_pwrite,
        .seek = file_seek,
        .stat = cm_host_file_stat,
        .truncate = file_truncate,
        .sync = cm_host_file_sync,
        .flock = cm_host_file_flock,
        .control = cm_host_file_control,
        .ioctl = file_ioctl,
        .change = cm_host_file_change,
        .host = cm_host_file_number,
        .close = file_close,
    };
    struct cm_host_file *f = malloc(sizeof(*f));

    if (f == NULL) {
        return -ENOMEM;
    }
    cm_file_init(&f->file, &ops, flags);
    f->host = host;
    *out = &f->file;
    return 0;
}
