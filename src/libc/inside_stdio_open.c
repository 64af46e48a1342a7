/*
 * Opening a stream on a file. The file itself comes through the system call layer: without a file
 * system in the enclave, open() fails with ENOSYS and so does fopen().
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libc/inside_musl.h"
#include "libc/syscall_inside.h"

#undef fopen64

_Static_assert(sizeof(struct cm_musl_file) == 0xe8, "size of FILE");

FILE *__fdopen(int fd, const char *mode);
FILE *__ofl_add(FILE *f);
int __fmodeflags(const char *mode);
FILE *fopen64(const char *restrict path, const char *restrict mode) __attribute__((alias("fopen")));
size_t __stdio_write(FILE *f, const unsigned char *buf, size_t len);
size_t __stdio_read(FILE *f, unsigned char *buf, size_t len);
off_t __stdio_seek(FILE *f, off_t off, int whence);
int __stdio_close(FILE *f);

FILE *__fdopen(int fd, const char *mode)
{
    struct cm_musl_file *f;
    int flags;

    if (strchr("rwa", mode[0]) == NULL || mode[0] == '\0') {
        errno = EINVAL;
        return NULL;
    }
    f = malloc(sizeof(*f) + CM_MUSL_UNGET + BUFSIZ);
    if (f == NULL) {
        return NULL;
    }
    memset(f, 0, sizeof(*f));
    if (strchr(mode, '+') == NULL) {
        f->flags = mode[0] == 'r' ? CM_MUSL_F_NOWR : CM_MUSL_F_NORD;
    }
    if (mode[0] == 'a') {
        flags = fcntl(fd, F_GETFL);
        if (flags >= 0 && (flags & O_APPEND) == 0) {
            (void)fcntl(fd, F_SETFL, flags | O_APPEND); /* the stream's own flag does the rest */
        }
        f->flags |= CM_MUSL_F_APP;
    }
    f->fd = fd;
    f->buf = (unsigned char *)(f + 1) + CM_MUSL_UNGET;
    f->buf_size = BUFSIZ;
    f->lbf = EOF;
    f->read = __stdio_read;
    f->write = __stdio_write;
    f->seek = __stdio_seek;
    f->close = __stdio_close;
    return __ofl_add((FILE *)(void *)f);
}

FILE *fdopen(int fd, const char *mode)
{
    return __fdopen(fd, mode);
}

FILE *fopen(const char *restrict path, const char *restrict mode)
{
    FILE *f;
    int fd;

    if (strchr("rwa", mode[0]) == NULL || mode[0] == '\0') {
        errno = EINVAL;
        return NULL;
    }
    fd = open(path, __fmodeflags(mode), 0666);
    if (fd < 0) {
        return NULL;
    }
    f = __fdopen(fd, mode);
    if (f == NULL) {
        (void)close(fd);
    }
    return f;
}
