/*
 * The stat and access family for the preloaded library: the two device files exist, are character
 * devices and may be read and written.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "sgxemu/emu_front.h"
#include "sgxemu/emu_preload.h"

#define MISC_MAJOR 10u /* both are "misc" devices */
#define MINOR_BASE 120u

static void describe(int kind, struct stat *out)
{
    memset(out, 0, sizeof(*out));
    out->st_dev = makedev(0, 5);
    out->st_ino = 1000u + (unsigned)kind;
    out->st_mode = S_IFCHR | 0666;
    out->st_nlink = 1;
    out->st_rdev = makedev(MISC_MAJOR, MINOR_BASE + (unsigned)kind);
    out->st_blksize = 4096;
}

static bool by_path(const char *path, struct stat *out)
{
    int kind = cm_emu_device_of(path);

    if (kind != CM_EMU_DEV_NONE) {
        describe(kind, out);
    }
    return kind != CM_EMU_DEV_NONE;
}

static int by_fd(int fd, int ret, struct stat *out)
{
    int kind = ret == 0 ? cm_emu_is_fd(fd) : 0;

    if (kind != 0) {
        describe(kind, out);
    }
    return ret;
}

/* struct stat and struct stat64 are the same on x86-64 */
_Static_assert(sizeof(struct stat) == sizeof(struct stat64), "stat64");

#define DEFINE_STAT(name, type)                             \
    EMU_PUBLIC int name(const char *path, struct type *out) \
    {                                                       \
        static int (*next)(const char *, struct type *);    \
                                                            \
        if (by_path(path, (struct stat *)out)) {            \
            return 0;                                       \
        }                                                   \
        EMU_NEXT(next, #name);                              \
        return next(path, out);                             \
    }

DEFINE_STAT(stat, stat)
DEFINE_STAT(stat64, stat64)
DEFINE_STAT(lstat, stat)
DEFINE_STAT(lstat64, stat64)

#define DEFINE_FSTAT(name, type)                             \
    EMU_PUBLIC int name(int fd, struct type *out)            \
    {                                                        \
        static int (*next)(int, struct type *);              \
                                                             \
        EMU_NEXT(next, #name);                               \
        return by_fd(fd, next(fd, out), (struct stat *)out); \
    }

DEFINE_FSTAT(fstat, stat)
DEFINE_FSTAT(fstat64, stat64)

#define DEFINE_FSTATAT(name, type)                                              \
    EMU_PUBLIC int name(int dir, const char *path, struct type *out, int flags) \
    {                                                                           \
        static int (*next)(int, const char *, struct type *, int);              \
                                                                                \
        if (by_path(path, (struct stat *)out)) {                                \
            return 0;                                                           \
        }                                                                       \
        EMU_NEXT(next, #name);                                                  \
        return next(dir, path, out, flags);                                     \
    }

DEFINE_FSTATAT(fstatat, stat)
DEFINE_FSTATAT(fstatat64, stat64)

/* programs built before glibc 2.33 call these */
int __xstat(int version, const char *path, struct stat *out);
int __lxstat(int version, const char *path, struct stat *out);
int __fxstat(int version, int fd, struct stat *out);
int __xstat64(int version, const char *path, struct stat64 *out);
int __lxstat64(int version, const char *path, struct stat64 *out);
int __fxstat64(int version, int fd, struct stat64 *out);

#define DEFINE_XSTAT(name, plain, type)                                  \
    EMU_PUBLIC int name(int version, const char *path, struct type *out) \
    {                                                                    \
        (void)version;                                                   \
        return plain(path, out);                                         \
    }

DEFINE_XSTAT(__xstat, stat, stat)
DEFINE_XSTAT(__lxstat, lstat, stat)
DEFINE_XSTAT(__xstat64, stat64, stat64)
DEFINE_XSTAT(__lxstat64, lstat64, stat64)

EMU_PUBLIC int __fxstat(int version, int fd, struct stat *out)
{
    (void)version;
    return fstat(fd, out);
}

EMU_PUBLIC int __fxstat64(int version, int fd, struct stat64 *out)
{
    (void)version;
    return fstat64(fd, out);
}

EMU_PUBLIC int statx(int dir, const char *path, int flags, unsigned int mask, struct statx *out)
{
    static int (*next)(int, const char *, int, unsigned int, struct statx *);
    struct stat sb;

    if (by_path(path, &sb)) {
        memset(out, 0, sizeof(*out));
        out->stx_mask = STATX_TYPE | STATX_MODE | STATX_NLINK | STATX_INO;
        out->stx_blksize = 4096;
        out->stx_nlink = 1;
        out->stx_mode = (uint16_t)sb.st_mode;
        out->stx_ino = sb.st_ino;
        out->stx_rdev_major = MISC_MAJOR;
        out->stx_rdev_minor = minor(sb.st_rdev);
        return 0;
    }
    EMU_NEXT(next, "statx");
    return next(dir, path, flags, mask, out);
}

static int may_access(int mode)
{
    if ((mode & X_OK) != 0) {
        errno = EACCES;
        return -1;
    }
    return 0;
}

#define DEFINE_ACCESS(name)                              \
    EMU_PUBLIC int name(const char *path, int mode)      \
    {                                                    \
        static int (*next)(const char *, int);           \
                                                         \
        if (cm_emu_device_of(path) != CM_EMU_DEV_NONE) { \
            return may_access(mode);                     \
        }                                                \
        EMU_NEXT(next, #name);                           \
        return next(path, mode);                         \
    }

DEFINE_ACCESS(access)
DEFINE_ACCESS(eaccess)
DEFINE_ACCESS(euidaccess)

EMU_PUBLIC int faccessat(int dir, const char *path, int mode, int flags)
{
    static int (*next)(int, const char *, int, int);

    if (cm_emu_device_of(path) != CM_EMU_DEV_NONE) {
        return may_access(mode);
    }
    EMU_NEXT(next, "faccessat");
    return next(dir, path, mode, flags);
}
