/* Paths of system calls, looked up: each call finds the file system and asks it. */
#ifndef CM_SYSCALL_SYS_PLACE_H
#define CM_SYSCALL_SYS_PLACE_H

#include <sys/stat.h>

struct cm_mount;

/* A path that was looked up: its file system is in use until cm_place_leave(). */
struct cm_place {
    char *path;
    const char *rest; /* inside the file system */
    struct cm_mount *mount;
};

/* dir and path as a system call has them. -errno; nothing is to be left then. */
long cm_place_find(long dir, long path, struct cm_place *out);
long cm_place_to_change(long dir, long path,
                        struct cm_place *out); /* -EROFS where it is not to be */
void cm_place_leave(struct cm_place *p);

/* newfstatat */
long cm_sys_stat_at(long dir, long path, struct stat *out, long flags);

#endif
