/* Whole-file reads; see os.h. */
#include "os/os.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Pages of large files are used in place, so they must be page aligned; and in huge pages where the
 * system has them, since most of the time of a read would go into first touching small ones.
 */
static uint8_t *buffer_for(size_t len)
{
    enum { LARGE = 64 * 1024, PAGE = 4096, HUGE = 2 * 1024 * 1024 };
    size_t unit = len < HUGE / 2 ? PAGE : HUGE;
    size_t whole = 0;
    uint8_t *buf = NULL;

    if (len < LARGE) {
        return malloc(len);
    }
    if (len > SIZE_MAX - unit) {
        return NULL;
    }
    whole = (len + unit - 1) / unit * unit;
    buf = aligned_alloc(unit, whole);
    if (buf != NULL && unit == HUGE) {
        (void)madvise(buf, whole, MADV_HUGEPAGE);
    }
    return buf;
}

struct cm_file_bytes {
    uint8_t *ptr;
    size_t len;
};

static enum cm_status read_all(int fd, uint8_t *buf, size_t len)
{
    size_t done = 0;

    while (done < len) {
        ssize_t n = read(fd, buf + done, len - done);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) { /* 0: the file shrank under us */
            return CM_ERR_IO;
        }
        done += (size_t)n;
    }
    return CM_OK;
}

/* The whole of an open regular file; path is for messages. */
static enum cm_status read_open(int fd, const char *path, size_t max, struct cm_file_bytes *out,
                                struct cm_why *why)
{
    enum cm_status st = CM_OK;
    uint8_t *buf = NULL;
    struct stat sb;

    if (fstat(fd, &sb) != 0 || !S_ISREG(sb.st_mode)) {
        st = CM_ERR_IO;
        cm_why_set(why, "%s: not a regular file; save it as one first", path);
        goto out;
    }
    if ((uint64_t)sb.st_size > max) {
        st = CM_ERR_LIMIT;
        cm_why_set(why, "%s: larger than %zu bytes", path, max);
        goto out;
    }
    buf = buffer_for((size_t)sb.st_size + 1);
    if (buf == NULL) {
        st = CM_ERR_NOMEM;
        cm_why_set(why, "%s: out of memory", path);
        goto out;
    }
    st = read_all(fd, buf, (size_t)sb.st_size);
    if (st != CM_OK) {
        cm_why_set(why, "%s: read failed", path);
        goto out;
    }
    buf[sb.st_size] = 0;
    out->ptr = buf;
    out->len = (size_t)sb.st_size;
    buf = NULL;
out:
    free(buf);
    return st;
}

static enum cm_status open_failed(const char *path, struct cm_why *why)
{
    cm_why_set(why, "%s: %s", path, strerror(errno));
    return errno == ENOENT ? CM_ERR_NOTFOUND : CM_ERR_IO;
}

enum cm_status cm_file_read(const char *path, size_t max, uint8_t **out, size_t *out_len,
                            struct cm_why *why)
{
    struct cm_file_bytes got = {NULL, 0};
    /* a pipe without a writer must not hold us up before we can see that it is one */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    enum cm_status st = CM_OK;

    if (fd < 0) {
        return open_failed(path, why);
    }
    st = read_open(fd, path, max, &got, why);
    (void)close(fd);
    if (st == CM_OK) {
        *out = got.ptr;
        *out_len = got.len;
    }
    return st;
}

enum cm_status cm_file_read_private(const char *path, size_t max, uint8_t **out, size_t *out_len,
                                    struct cm_why *why)
{
    struct cm_file_bytes got = {NULL, 0};
    struct stat sb;
    /* a link or a pipe in its place is refused, neither followed nor waited for */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    enum cm_status st = CM_OK;

    if (fd < 0 && errno != ELOOP && errno != EACCES) {
        return open_failed(path, why);
    }
    if (fd < 0 || fstat(fd, &sb) != 0 || !S_ISREG(sb.st_mode) || sb.st_uid != geteuid() ||
        (sb.st_mode & 077) != 0) {
        cm_why_set(why, "%s: must be a file of yours with mode 0600", path);
        st = CM_ERR_DENIED;
    } else {
        st = read_open(fd, path, max, &got, why);
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    if (st == CM_OK) {
        *out = got.ptr;
        *out_len = got.len;
    }
    return st;
}

bool cm_file_same(const char *a, const char *b)
{
    struct stat x;
    struct stat y;

    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}
