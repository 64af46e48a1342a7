/*
 * Streams on another file, and on files without a lasting name. The file itself comes through the
 * system call layer, as in inside_stdio_open.c.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libc/inside_musl.h"
#include "libc/syscall_inside.h"

#undef freopen64
#undef tmpfile64

enum { TRIES = 100, RANDOM_LEN = 6 };

FILE *__fdopen(int fd, const char *mode);
int __fmodeflags(const char *mode);
FILE *freopen64(const char *restrict path, const char *restrict mode, FILE *restrict f)
    __attribute__((alias("freopen")));
FILE *tmpfile64(void) __attribute__((alias("tmpfile")));

static struct cm_musl_file *as_file(FILE *f)
{
    return (struct cm_musl_file *)(void *)f;
}

/* The same file in another mode: what F_SETFL can change of it. */
static bool change_mode(struct cm_musl_file *f, const char *mode)
{
    const int flags = __fmodeflags(mode);

    if ((flags & O_CLOEXEC) != 0 && fcntl(f->fd, F_SETFD, FD_CLOEXEC) != 0) {
        return false;
    }
    return fcntl(f->fd, F_SETFL, flags & ~(O_CREAT | O_EXCL | O_CLOEXEC)) == 0;
}

/* Another file behind the same descriptor. */
static bool change_file(struct cm_musl_file *f, const char *path, const char *mode)
{
    FILE *opened = fopen(path, mode);
    struct cm_musl_file *o = as_file(opened);

    if (opened == NULL) {
        return false;
    }
    if (o->fd != f->fd && dup3(o->fd, f->fd, __fmodeflags(mode) & O_CLOEXEC) < 0) {
        (void)fclose(opened);
        return false;
    }
    if (o->fd == f->fd) {
        o->fd = -1; /* fclose must not close what is in use */
    }
    f->flags = (f->flags & CM_MUSL_F_PERM) | o->flags;
    f->read = o->read;
    f->write = o->write;
    f->seek = o->seek;
    f->close = o->close;
    (void)fclose(opened);
    return true;
}

FILE *freopen(const char *restrict path, const char *restrict mode, FILE *restrict f)
{
    bool ok;

    flockfile(f);
    (void)fflush(f);
    ok = path == NULL ? change_mode(as_file(f), mode) : change_file(as_file(f), path, mode);
    as_file(f)->mode = 0; /* neither bytes nor wide characters yet */
    as_file(f)->locale = NULL;
    funlockfile(f);
    if (!ok) {
        (void)fclose(f);
        return NULL;
    }
    return f;
}

/* The enclave's random bytes; the host sees the name when a file gets it, and not before. */
static void random_name(char to[RANDOM_LEN])
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz012345";
    uint8_t bytes[RANDOM_LEN];

    (void)getentropy(bytes, sizeof(bytes));
    for (size_t i = 0; i < RANDOM_LEN; i++) {
        to[i] = letters[bytes[i] % (sizeof(letters) - 1)];
    }
}

FILE *tmpfile(void)
{
    char path[] = P_tmpdir "/tmpfile_XXXXXX";
    FILE *f = NULL;
    int fd = -1;

    for (int i = 0; i < TRIES && fd < 0; i++) {
        random_name(path + sizeof(path) - 1 - RANDOM_LEN);
        fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
        if (fd < 0 && errno != EEXIST) {
            return NULL;
        }
    }
    if (fd < 0) {
        return NULL;
    }
    (void)unlink(path);
    f = __fdopen(fd, "w+");
    if (f == NULL) {
        (void)close(fd);
    }
    return f;
}

/* A name at the end of the path that nothing has. Only O_EXCL makes sure of it. */
static char *unused(char *path, size_t len)
{
    struct stat s;

    for (int i = 0; i < TRIES; i++) {
        random_name(path + len - RANDOM_LEN);
        if (lstat(path, &s) != 0) {
            return errno == ENOENT ? path : NULL;
        }
    }
    return NULL;
}

char *tmpnam(char *room)
{
    static char internal[L_tmpnam];
    char path[] = P_tmpdir "/tmpnam_XXXXXX";

    _Static_assert(sizeof(path) <= L_tmpnam, "the caller's room");
    if (unused(path, sizeof(path) - 1) == NULL) {
        return NULL;
    }
    return memcpy(room != NULL ? room : internal, path, sizeof(path));
}

char *tempnam(const char *folder, const char *prefix)
{
    char path[PATH_MAX];
    const int len = snprintf(path, sizeof(path), "%s/%s_XXXXXX", folder != NULL ? folder : P_tmpdir,
                             prefix != NULL ? prefix : "temp");

    if (len < 0 || (size_t)len >= sizeof(path)) {
        errno = ENAMETOOLONG;
        return NULL;
    }
    return unused(path, (size_t)len) == NULL ? NULL : strdup(path);
}
