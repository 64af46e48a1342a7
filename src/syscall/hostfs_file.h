/* The host's files: what hostfs.c, hostfs_file.c and hostfs_dir.c share. */
#ifndef CM_SYSCALL_HOSTFS_FILE_H
#define CM_SYSCALL_HOSTFS_FILE_H

#include <sys/statfs.h>

#include "syscall/sys_file_table.h"
#include "syscall/sys_host.h"

/* An open file of the host, or the common half of a directory. */
struct cm_host_file {
    struct cm_file file;
    int64_t host;
};

/* The open files; both take over the host's descriptor when they succeed. -ENOMEM, -errno. */
long cm_host_file_make(int64_t host, int flags, struct cm_file **out);
long cm_host_dir_make(int64_t host, const char *host_path, int flags, struct cm_file **out);

/* The host's name of a path, below where it was mounted; malloc'ed. */
long cm_host_path(const char *source, const char *path, char **out);

/* hostfs_meta.c: with openenclave's EDL files alone these are -ENOSYS */
long cm_host_readlink(void *fs, const char *path, char *text, size_t size);
long cm_host_symlink(void *fs, const char *target, const char *path);
long cm_host_change(void *fs, const char *path, const struct cm_change *change);
long cm_host_statfs(void *fs, const char *path, struct statfs *out);
long cm_host_file_change(struct cm_file *f, const struct cm_change *change);

/* parts of both */
long cm_host_file_stat(struct cm_file *f, struct stat *out);
long cm_host_file_sync(struct cm_file *f, bool data_only);
long cm_host_file_flock(struct cm_file *f, int op);
long cm_host_file_control(struct cm_file *f, int cmd, long arg);
long cm_host_file_number(struct cm_file *f, int64_t *host);
long cm_host_close(int64_t host);

/* fstat on the host's descriptor; what does not make sense is -EIO. */
long cm_host_fstat(int64_t host, struct stat *out);

/* A struct stat of what the host told; -EIO when that does not make sense (C2). */
long cm_host_stat_check(const oe_stat_t *told, struct stat *out);

#endif
