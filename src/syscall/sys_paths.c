/* Paths of the enclave: absolute and plain, and the working directory; see sys_mounts.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "libc/inside_lock.h"
#include "syscall/sys_core.h"
#include "syscall/sys_mounts.h"
#include "syscall/sys_place.h"

static int lock;
static char *cwd; /* NULL stands for "/" */

static char *copy_of(const char *s)
{
    size_t n = strlen(s) + 1;
    char *copy = malloc(n);

    if (copy != NULL) {
        memcpy(copy, s, n);
    }
    return copy;
}

/* Where a relative path begins. */
static long start_of(long dir, char **out)
{
    struct cm_file *f;
    long r = 0;

    if (dir == AT_FDCWD) {
        cm_lock(&lock);
        *out = copy_of(cwd == NULL ? "/" : cwd);
        cm_unlock(&lock);
        return *out == NULL ? -ENOMEM : 0;
    }
    f = cm_fd_get(dir);
    if (f == NULL) {
        return -EBADF;
    }
    if (f->path == NULL) {
        r = -ENOTDIR;
    } else {
        *out = copy_of(f->path);
        r = *out == NULL ? -ENOMEM : 0;
    }
    (void)cm_file_put(f);
    return r;
}

/* Appends the components of path to the plain path of length *len in out, which has CM_PATH_MAX. */
static long append(char *out, size_t *len, const char *path)
{
    while (*path != '\0') {
        size_t n = strcspn(path, "/");

        if (n == 2 && path[0] == '.' && path[1] == '.') {
            while (*len != 0 && out[--*len] != '/') {
            }
        } else if (n > 1 || (n == 1 && path[0] != '.')) {
            if (n >= CM_PATH_MAX - *len - 1) {
                return -ENAMETOOLONG;
            }
            out[(*len)++] = '/';
            memcpy(out + *len, path, n);
            *len += n;
        }
        path += n;
        path += strspn(path, "/");
    }
    return 0;
}

long cm_path_absolute(long dir, const char *path, char **out)
{
    char *start = NULL;
    char *whole;
    size_t len = 0;
    long r = 0;

    *out = NULL;
    if (path == NULL || path[0] == '\0') {
        return path == NULL ? -EFAULT : -ENOENT;
    }
    if (path[0] != '/') {
        r = start_of(dir, &start);
    }
    whole = r == 0 ? malloc(CM_PATH_MAX) : NULL;
    if (r == 0 && whole == NULL) {
        r = -ENOMEM;
    }
    if (r == 0 && start != NULL) {
        r = append(whole, &len, start);
    }
    if (r == 0) {
        r = append(whole, &len, path);
    }
    free(start);
    if (r != 0) {
        free(whole);
        return r;
    }
    if (len == 0) {
        whole[len++] = '/';
    }
    whole[len] = '\0';
    *out = whole;
    return 0;
}

long cm_cwd_get(char *buf, size_t size)
{
    const char *now;
    long r = -ERANGE;

    cm_lock(&lock);
    now = cwd == NULL ? "/" : cwd;
    if (strlen(now) < size) {
        memcpy(buf, now, strlen(now) + 1);
        r = (long)strlen(now) + 1;
    }
    cm_unlock(&lock);
    return r;
}

long cm_cwd_set(char *path)
{
    char *before;

    cm_lock(&lock);
    before = cwd;
    cwd = path;
    cm_unlock(&lock);
    free(before);
    return 0;
}

void cm_place_leave(struct cm_place *p)
{
    cm_mount_done(p->mount);
    free(p->path);
}

long cm_place_find(long dir, long path, struct cm_place *out)
{
    long r;

    *out = (struct cm_place){NULL, NULL, NULL};
    r = cm_path_absolute(dir, cm_sys_ptr(path), &out->path);
    if (r == 0) {
        out->mount = cm_mount_of(out->path, &out->rest);
        r = out->mount == NULL ? -ENOENT : 0;
    }
    if (r != 0) {
        cm_place_leave(out);
    }
    return r;
}

long cm_place_to_change(long dir, long path, struct cm_place *out)
{
    long r = cm_place_find(dir, path, out);

    if (r == 0 && out->mount->readonly) {
        cm_place_leave(out);
        r = -EROFS;
    }
    return r;
}
