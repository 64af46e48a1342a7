/* See sys_mounts.h. */
#include "syscall/sys_mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "libc/inside_lock.h"

enum { KINDS = 8, MOUNTS = 32 };

static int lock;
static const struct cm_fs_kind *kinds[KINDS];
static struct cm_mount *mounts[MOUNTS];

long cm_fs_register(const struct cm_fs_kind *kind)
{
    long r = -ENOMEM;
    size_t i;

    cm_lock(&lock);
    for (i = 0; i < KINDS && r != 0; i++) {
        if (kinds[i] == NULL || kinds[i] == kind) {
            kinds[i] = kind;
            r = 0;
        }
    }
    cm_unlock(&lock);
    return r;
}

static const struct cm_fs_kind *kind_of(const char *type)
{
    const struct cm_fs_kind *found = NULL;
    size_t i;

    cm_lock(&lock);
    for (i = 0; i < KINDS && kinds[i] != NULL; i++) {
        if (strcmp(kinds[i]->type, type) == 0) {
            found = kinds[i];
        }
    }
    cm_unlock(&lock);
    return found;
}

/* Enters m at a free place, unless something is mounted on its target. */
static long enter(struct cm_mount *m)
{
    long r = -ENOMEM;
    size_t i;

    cm_lock(&lock);
    for (i = 0; i < MOUNTS; i++) {
        if (mounts[i] != NULL && strcmp(mounts[i]->target, m->target) == 0) {
            r = -EBUSY;
        }
    }
    for (i = 0; i < MOUNTS && r == -ENOMEM; i++) {
        if (mounts[i] == NULL) {
            mounts[i] = m;
            r = 0;
        }
    }
    cm_unlock(&lock);
    return r;
}

long cm_mount_add(const char *source, const char *target, const char *type, unsigned long flags,
                  const void *data)
{
    const struct cm_fs_kind *kind;
    struct cm_mount *m;
    long r;

    if (source == NULL || target == NULL || type == NULL) {
        return -EFAULT;
    }
    if (target[0] != '/' || (flags & ~(unsigned long)MS_RDONLY) != 0) {
        return -EINVAL;
    }
    kind = kind_of(type);
    if (kind == NULL) {
        return -ENODEV;
    }
    m = calloc(1, sizeof(*m));
    if (m == NULL) {
        return -ENOMEM;
    }
    m->kind = kind;
    m->readonly = (flags & MS_RDONLY) != 0;
    r = cm_path_absolute(AT_FDCWD, target, &m->target);
    if (r == 0) {
        r = kind->mount(source, data, &m->fs);
    }
    if (r == 0) {
        r = enter(m);
        if (r != 0) {
            kind->unmount(m->fs);
        }
    }
    if (r != 0) {
        free(m->target);
        free(m);
    }
    return r;
}

long cm_mount_remove(const char *target)
{
    struct cm_mount *m = NULL;
    char *path = NULL;
    long r = cm_path_absolute(AT_FDCWD, target, &path);
    size_t i;

    if (r != 0) {
        return r;
    }
    r = -EINVAL;
    cm_lock(&lock);
    for (i = 0; i < MOUNTS && r == -EINVAL; i++) {
        if (mounts[i] != NULL && strcmp(mounts[i]->target, path) == 0) {
            r = mounts[i]->users != 0 ? -EBUSY : 0;
            if (r == 0) {
                m = mounts[i];
                mounts[i] = NULL;
            }
        }
    }
    cm_unlock(&lock);
    free(path);
    if (m != NULL) {
        m->kind->unmount(m->fs);
        free(m->target);
        free(m);
    }
    return r;
}

/* What of path lies below target: NULL when it is elsewhere, "/" when it is target itself. */
static const char *below(const char *path, const char *target)
{
    size_t n = strcmp(target, "/") == 0 ? 0 : strlen(target);

    if (strncmp(path, target, n) != 0 || (path[n] != '/' && path[n] != '\0')) {
        return NULL;
    }
    return path[n] == '\0' ? "/" : path + n;
}

struct cm_mount *cm_mount_of(const char *path, const char **rest)
{
    struct cm_mount *best = NULL;
    size_t i;

    cm_lock(&lock);
    for (i = 0; i < MOUNTS; i++) {
        const char *inside = mounts[i] == NULL ? NULL : below(path, mounts[i]->target);

        if (inside != NULL && (best == NULL || strlen(mounts[i]->target) > strlen(best->target))) {
            best = mounts[i];
            *rest = inside;
        }
    }
    if (best != NULL) {
        best->users++;
    }
    cm_unlock(&lock);
    return best;
}

void cm_mount_use(struct cm_mount *m)
{
    cm_lock(&lock);
    m->users++;
    cm_unlock(&lock);
}

void cm_mount_done(struct cm_mount *m)
{
    if (m != NULL) {
        cm_lock(&lock);
        m->users--;
        cm_unlock(&lock);
    }
}
