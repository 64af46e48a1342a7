/*
 * Mounted file systems, and paths. A path is made absolute and plain first (no ".", no "..", no
 * double slash: by the text alone, so "link/.." is where the link stands), then belongs to the file
 * system with the longest mount point that leads to it.
 */
#ifndef CM_SYSCALL_SYS_MOUNTS_H
#define CM_SYSCALL_SYS_MOUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include "syscall/sys_file_table.h"

enum { CM_PATH_MAX = 4096 }; /* with the zero */

/*
 * A kind of file system. Paths are inside it: they begin with '/', are plain and shorter than
 * CM_PATH_MAX. Results or -errno; NULL: -EROFS for what changes something, else -ENOSYS.
 */
struct cm_fs_kind {
    const char *type; /* the third argument of mount() */
    long (*mount)(const char *source, const void *data, void **fs);
    void (*unmount)(void *fs);
    long (*open)(void *fs, const char *path, int flags, mode_t mode, struct cm_file **out);
    long (*stat)(void *fs, const char *path, bool follow, struct stat *out);
    long (*access)(void *fs, const char *path, int mode);
    long (*truncate)(void *fs, const char *path, off_t len);
    long (*mkdir)(void *fs, const char *path, mode_t mode);
    long (*rmdir)(void *fs, const char *path);
    long (*unlink)(void *fs, const char *path);
    long (*rename)(void *fs, const char *from, const char *to);
    long (*link)(void *fs, const char *from, const char *to);
    long (*symlink)(void *fs, const char *target, const char *path);
    long (*readlink)(void *fs, const char *path, char *text, size_t size); /* the text's length */
    long (*change)(void *fs, const char *path, const struct cm_change *change);
    long (*statfs)(void *fs, const char *path, struct statfs *out);
};

/* The host's files (hostfs.c, library oehostfs), also for file systems that stand on them. */
extern const struct cm_fs_kind cm_host_fs;

/* A mounted one. In use (umount: EBUSY) as long as a file on it is open. */
struct cm_mount {
    const struct cm_fs_kind *kind;
    void *fs;
    char *target; /* absolute and plain */
    bool readonly;
    int users; /* under the lock */
};

/* Makes a kind known to mount(). kind must live on. 0, also when it is known, or -ENOMEM. */
long cm_fs_register(const struct cm_fs_kind *kind);

long cm_mount_add(const char *source, const char *target, const char *type, unsigned long flags,
                  const void *data);
long cm_mount_remove(const char *target);

/**
 * The path as an absolute and plain one.
 *
 * @param dir  AT_FDCWD, or the descriptor of a directory: where a relative path begins
 * @param out  malloc'ed; the caller frees it
 * @return 0; -ENOENT (empty path), -ENAMETOOLONG, -EBADF, -ENOTDIR, -ENOMEM, -EFAULT (NULL)
 */
long cm_path_absolute(long dir, const char *path, char **out);

/**
 * The file system of an absolute and plain path, with one use counted (cm_mount_done).
 *
 * @param rest  the path inside it: points into path, or to "/"
 * @return NULL when nothing is mounted there
 */
struct cm_mount *cm_mount_of(const char *path, const char **rest);
void cm_mount_use(struct cm_mount *m);
void cm_mount_done(struct cm_mount *m); /* m may be NULL */

/* The working directory of the enclave; "/" at first. */
long cm_cwd_get(char *buf, size_t size); /* Linux: the length with its zero, or -ERANGE */
long cm_cwd_set(char *path);             /* absolute and plain, malloc'ed; taken over */

#endif
