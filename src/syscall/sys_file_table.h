/*
 * Open files inside the enclave. A descriptor is an index into a table in enclave memory; what it
 * stands for is an open file (struct cm_file), which several descriptors may share. The numbers that
 * the host gives never become descriptors.
 */
#ifndef CM_SYSCALL_SYS_FILE_TABLE_H
#define CM_SYSCALL_SYS_FILE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

struct cm_file;
struct cm_mount;

/* A change of what a file system says of a file: chmod, chown, utimensat. */
struct cm_change {
    enum { CM_CHANGE_MODE, CM_CHANGE_OWNER, CM_CHANGE_TIMES } what;
    bool follow; /* what a link leads to */
    mode_t mode;
    uid_t owner;
    gid_t group;
    struct timespec times[2]; /* of access, of change */
};

/*
 * What an open file can do. All return the result, or -errno; NULL stands for a function that its
 * kind does not have, and is answered with the errno that Linux has for it. Lengths are never above
 * SSIZE_MAX, buffers never NULL when their length is not 0.
 */
struct cm_file_ops {
    long (*read)(struct cm_file *f, void *buf, size_t n);
    long (*write)(struct cm_file *f, const void *buf, size_t n);
    long (*pread)(struct cm_file *f, void *buf, size_t n, off_t at);
    long (*pwrite)(struct cm_file *f, const void *buf, size_t n, off_t at);
    long (*seek)(struct cm_file *f, off_t off, int whence);
    long (*stat)(struct cm_file *f, struct stat *out);
    long (*list)(struct cm_file *f, void *buf, size_t n); /* getdents64 */
    long (*truncate)(struct cm_file *f, off_t len);
    long (*sync)(struct cm_file *f, bool data_only);
    long (*flock)(struct cm_file *f, int op);
    long (*control)(struct cm_file *f, int cmd, long arg); /* what of fcntl is not the table's */
    long (*ioctl)(struct cm_file *f, unsigned long request, long arg);
    long (*change)(struct cm_file *f, const struct cm_change *change);
    long (*host)(struct cm_file *f, int64_t *host); /* the host's number, to wait on */
    long (*close)(struct cm_file *f);               /* the last descriptor is gone; frees f */
};

struct cm_file {
    const struct cm_file_ops *ops;
    uint64_t serial;       /* never used twice */
    int refs;              /* the table's and those of calls under way; changed under the lock */
    int flags;             /* O_ flags of F_GETFL */
    struct cm_mount *home; /* the file system it is on, or NULL */
    char *path;            /* absolute, for directories; NULL otherwise */
};

/* A fresh open file, with one reference that is the caller's. */
void cm_file_init(struct cm_file *f, const struct cm_file_ops *ops, int flags);

/**
 * A descriptor for the file, not below lowest. Takes over the caller's reference, when it succeeds.
 * -EMFILE when there is none, -EINVAL for a lowest that no descriptor can have.
 */
long cm_fd_install(struct cm_file *f, long lowest, bool cloexec);

/* The file of a descriptor, with a reference for the caller; NULL (EBADF) when it is not open. */
struct cm_file *cm_fd_get(long fd);

/* Gives a reference back; the result of ops->close when it was the last, else 0. f may be NULL. */
long cm_file_put(struct cm_file *f);

long cm_fd_close(long fd);
long cm_fd_dup_to(long from, long to, bool cloexec); /* dup3, without its refusal of equals */
long cm_fd_get_cloexec(long fd);                     /* FD_CLOEXEC, 0 or -EBADF */
long cm_fd_set_cloexec(long fd, bool on);

/* The files behind descriptors 0, 1 and 2, before anything was opened (sys_console.c). */
extern struct cm_file cm_console_files[3];

#endif
