/* A mounted folder of protected files: what pfs_keys.c, pfs_vnode.c, pfs_mount.c and pfs_open.c share. */
#ifndef CM_PFS_PFS_MOUNT_H
#define CM_PFS_PFS_MOUNT_H

#include "pfs/pfs_file.h"
#include "syscall/sys_mounts.h"

/* Entries of folders whose names begin so are files that are being made; nobody else sees them. */
#define CM_PFS_FRESH ".cm-new-"

enum { CM_PFS_LABEL_MAX = 256 };

/* Where a mount's keys come from. */
struct cm_pfs_source {
    uint16_t kind;
    struct cm_pfs_base given;
    uint8_t info[CM_PFS_INFO]; /* of this enclave's own seal key, as of now */
};

struct cm_pfs_fs {
    void *host; /* cm_host_fs, mounted at the same source */
    struct cm_pfs_source source;
    unsigned flags; /* of cm_pfs_open */
    char label[CM_PFS_LABEL_MAX];
    int lock; /* the list, and opening and closing of what is on it */
    struct cm_pfs_vnode *vnodes;
};

/* A file that somebody has open. */
struct cm_pfs_vnode {
    struct cm_pfs_vnode *next;
    struct cm_pfs_fs *fs;
    char *path;
    unsigned users;
    bool gone;          /* its path is another's by now, or nobody's */
    bool host_writable; /* the host's file is open for writing */
    bool writable;
    struct cm_file *host;
    int lock; /* file */
    struct cm_pfs_file *file;
};

struct cm_pfs_options;

/* pfs_keys.c */
long cm_pfs_source_make(const struct cm_pfs_options *options, struct cm_pfs_source *out);
extern const struct cm_pfs_keys cm_pfs_enclave_keys;
long cm_pfs_random(void *out, size_t n);

/* pfs_under.c: the host's file, an open one of cm_host_fs */
extern const struct cm_pfs_under cm_pfs_host_file;

/* pfs_vnode.c. The file at a path that exists; fs->lock is held. -errno. */
long cm_pfs_vnode_get(struct cm_pfs_fs *fs, const char *path, bool write,
                      struct cm_pfs_vnode **out);
struct cm_pfs_vnode *cm_pfs_vnode_find(struct cm_pfs_fs *fs, const char *path);
/* A new empty file at a path where there is none; fs->lock is held. */
long cm_pfs_vnode_make(struct cm_pfs_fs *fs, const char *path, mode_t mode);
/* One user less; the last one commits. fs->lock is held. */
long cm_pfs_vnode_put(struct cm_pfs_vnode *v);
/* Moves the file; fs->lock is held. */
long cm_pfs_vnode_move(struct cm_pfs_vnode *v, const char *to);
/* The digest that binds a file to a path of this mount. */
long cm_pfs_name_of(const struct cm_pfs_fs *fs, const char *path, uint8_t out[CM_PFS_NAME]);

/* pfs_open.c: an open file of a vnode, whose use it takes over when it succeeds; and a folder's */
long cm_pfs_open_make(struct cm_pfs_vnode *v, int flags, struct cm_file **out);
long cm_pfs_folder_make(struct cm_file *host, int flags, struct cm_file **out);
/* What the host says of a file, with the size that is true. */
long cm_pfs_vnode_stat(struct cm_pfs_vnode *v, struct stat *out);

#endif
