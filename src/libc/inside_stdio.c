/*
 * The leaves of musl's stdio: reading, writing and closing what stands behind a FILE, and the
 * members that hold an inline lock call. All other functions of stdio are musl's.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "libc/inside_musl.h"
#include "libc/syscall_inside.h"

_Static_assert(offsetof(struct cm_musl_file, lock) == 0x8c, "layout of FILE");

size_t __stdio_write(FILE *f, const unsigned char *buf, size_t len);
size_t __stdout_write(FILE *f, const unsigned char *buf, size_t len);
size_t __stdio_read(FILE *f, unsigned char *buf, size_t len);
int __stdio_close(FILE *f);
int __lockfile(FILE *f);
void __unlockfile(FILE *f);

/* musl's stdin.lo, stdout.lo and stderr.lo define these; a stream that is not linked stays NULL */
extern FILE *volatile __stdin_used;
extern FILE *volatile __stdout_used;
extern FILE *volatile __stderr_used;
__attribute__((weak)) FILE *volatile __stdin_used;
__attribute__((weak)) FILE *volatile __stdout_used;
__attribute__((weak)) FILE *volatile __stderr_used;

static struct cm_musl_file *as_file(FILE *f)
{
    return (struct cm_musl_file *)(void *)f;
}

/*
 * musl switches the locks of its three streams on when the first thread is created. The threads of
 * an enclave come from outside, so they have to be on from the start.
 */
__attribute__((constructor)) static void lock_streams(void)
{
    FILE *const streams[3] = {__stdin_used, __stdout_used, __stderr_used};
    size_t i;

    for (i = 0; i < 3; i++) {
        if (streams[i] != NULL && as_file(streams[i])->lock < 0) {
            as_file(streams[i])->lock = 0;
        }
    }
}

/* Writes all of both parts, together where possible: each call may be a way out of the enclave. */
static bool write_all(int fd, struct iovec part[2])
{
    size_t i = 0;

    while (i < 2) {
        ssize_t n = writev(fd, part + i, (int)(2 - i));

        if (n <= 0 && part[0].iov_len + part[1].iov_len != 0) {
            return false;
        }
        while (i < 2 && (size_t)n >= part[i].iov_len) {
            n -= (ssize_t)part[i].iov_len;
            part[i].iov_len = 0;
            i++;
        }
        if (i < 2) {
            part[i].iov_base = (char *)part[i].iov_base + n;
            part[i].iov_len -= (size_t)n;
        }
    }
    return true;
}

size_t __stdio_write(FILE *file, const unsigned char *buf, size_t len)
{
    struct cm_musl_file *f = as_file(file);
    struct iovec part[2] = {{f->wbase, (size_t)(f->wpos - f->wbase)}, {NULL, len}};

    memcpy(&part[1].iov_base, &buf,
           sizeof(buf)); /* writev only reads, but its type cannot say so */
    if (!write_all(f->fd, part)) {
        f->wpos = NULL;
        f->wbase = NULL;
        f->wend = NULL;
        f->flags |= CM_MUSL_F_ERR;
        return 0;
    }
    f->wend = f->buf + f->buf_size;
    f->wpos = f->buf;
    f->wbase = f->buf;
    return len;
}

/* Standard output stays line buffered: an ecall that returns has then shown its whole lines. */
size_t __stdout_write(FILE *file, const unsigned char *buf, size_t len)
{
    as_file(file)->write = __stdio_write;
    return __stdio_write(file, buf, len);
}

size_t __stdio_read(FILE *file, unsigned char *buf, size_t len)
{
    struct cm_musl_file *f = as_file(file);
    bool direct = f->buf_size == 0 || len >= f->buf_size;
    ssize_t n = direct ? read(f->fd, buf, len) : read(f->fd, f->buf, f->buf_size);
    size_t used;

    if (n <= 0) {
        f->flags |= n == 0 ? CM_MUSL_F_EOF : CM_MUSL_F_ERR;
        return 0;
    }
    if (direct) {
        return (size_t)n;
    }
    used = (size_t)n < len ? (size_t)n : len;
    memcpy(buf, f->buf, used);
    f->rpos = f->buf + used;
    f->rend = f->buf + n;
    return used;
}

int __stdio_close(FILE *file)
{
    return (int)CM_SYS(SYS_close, as_file(file)->fd);
}

static bool lock(FILE *file)
{
    return as_file(file)->lock >= 0 && __lockfile(file) != 0;
}

int fputc(int c, FILE *f)
{
    bool locked = lock(f);
    int r = putc_unlocked(c, f);

    if (locked) {
        __unlockfile(f);
    }
    return r;
}

int fgetc(FILE *f)
{
    bool locked = lock(f);
    int r = getc_unlocked(f);

    if (locked) {
        __unlockfile(f);
    }
    return r;
}

int putc(int c, FILE *f)
{
    return fputc(c, f);
}

int getc(FILE *f)
{
    return fgetc(f);
}

/* names that objects compiled for glibc use */
int _IO_putc(int c, FILE *f) __attribute__((alias("fputc")));
int _IO_getc(FILE *f) __attribute__((alias("fgetc")));
