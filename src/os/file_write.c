/*
 * Files that appear whole or not at all; see os.h. The bytes go into a file without a name
 * (O_TMPFILE), which vanishes with the process, and get their name when all are on the disk. Only a
 * file that replaces another needs a second name for the moment between linkat() and rename(), and
 * so does every file where the file system has no O_TMPFILE.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/try.h"
#include "os/os.h"

enum { TRIES = 100 };

static enum cm_status fail(const char *path, struct cm_why *why)
{
    cm_why_set(why, "cannot write %s: %s", path, strerror(errno));
    return CM_ERR_IO;
}

static enum cm_status write_all(int fd, struct cm_span data)
{
    size_t done = 0;

    while (done < data.len) {
        ssize_t n = write(fd, data.ptr + done, data.len - done);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return CM_ERR_IO;
        }
        done += (size_t)n;
    }
    return CM_OK;
}

/* path and a dot and 12 letters that nobody has; the caller frees it */
static char *name_beside(const char *path)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz012345";
    const size_t n = strlen(path);
    uint8_t random[12] = {0};
    char *name = malloc(n + sizeof(random) + 2);

    if (name == NULL || getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random)) {
        free(name);
        return NULL;
    }
    memcpy(name, path, n);
    name[n] = '.';
    for (size_t i = 0; i < sizeof(random); i++) {
        name[n + 1 + i] = letters[random[i] % 32];
    }
    name[n + 1 + sizeof(random)] = '\0';
    return name;
}

/* a file without a name in the folder of path, or -1 where there is no such thing */
static int open_nameless(const char *path, mode_t mode)
{
    const char *slash = strrchr(path, '/');
    const size_t n = slash == NULL ? 1 : (size_t)(slash - path) + 1;
    char *folder = malloc(n + 1);
    int fd = -1;

    if (folder == NULL) {
        return -1;
    }
    memcpy(folder, slash == NULL ? "." : path, n);
    folder[n] = '\0';
    fd = open(folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, mode);
    free(folder);
    return fd;
}

/* where the name of an open file stands for linkat(); needs /proc */
static void link_source(int fd, char out[32])
{
    (void)snprintf(out, 32, "/proc/self/fd/%d", fd);
}

/* Beyond the limit of the process (ulimit -f) a write is a signal that kills it. */
static bool limit_allows(size_t size)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY ||
        size <= limit.rlim_cur) {
        return true;
    }
    errno = EFBIG;
    return false;
}

enum cm_status cm_draft_write(struct cm_draft *d, const char *path, struct cm_span data,
                              uint32_t mode, struct cm_why *why)
{
    enum cm_status st = CM_OK;
    struct cm_draft n = {-1, NULL, NULL};
    char source[32];

    n.path = strdup(path);
    if (n.path == NULL) {
        cm_why_set(why, "%s: out of memory", path);
        st = CM_ERR_NOMEM;
        goto out;
    }
    n.fd = open_nameless(path, (mode_t)mode);
    if (n.fd >= 0) {
        link_source(n.fd, source);
        if (access(source, F_OK) != 0) { /* no /proc: it could never get a name */
            (void)close(n.fd);
            n.fd = -1;
        }
    }
    for (int i = 0; n.fd < 0 && i < TRIES; i++) {
        free(n.temp);
        n.temp = name_beside(path);
        if (n.temp == NULL) {
            cm_why_set(why, "%s: out of memory", path);
            st = CM_ERR_NOMEM;
            goto out;
        }
        n.fd = open(n.temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, (mode_t)mode);
        if (n.fd < 0 && errno != EEXIST) {
            break;
        }
    }
    if (n.fd < 0) {
        free(n.temp); /* nothing of that name is ours */
        n.temp = NULL;
        st = fail(path, why);
        goto out;
    }
    if (!limit_allows(data.len) || write_all(n.fd, data) != CM_OK || fsync(n.fd) != 0) {
        st = fail(path, why);
        goto out;
    }
    *d = n;
    n = (struct cm_draft){-1, NULL, NULL};
out:
    cm_draft_drop(&n);
    return st;
}

/* a name beside the target for a nameless file, so that rename() can put it there */
static enum cm_status give_name(struct cm_draft *d, struct cm_why *why)
{
    char source[32];

    link_source(d->fd, source);
    for (int i = 0; i < TRIES; i++) {
        d->temp = name_beside(d->path);
        if (d->temp == NULL) {
            cm_why_set(why, "%s: out of memory", d->path);
            return CM_ERR_NOMEM;
        }
        if (linkat(AT_FDCWD, source, AT_FDCWD, d->temp, AT_SYMLINK_FOLLOW) == 0) {
            return CM_OK;
        }
        free(d->temp);
        d->temp = NULL;
        if (errno != EEXIST) {
            break;
        }
    }
    return fail(d->path, why);
}

static enum cm_status publish(struct cm_draft *d, bool replace, struct cm_why *why)
{
    enum cm_status st = CM_OK;
    char source[32];

    if (d->temp == NULL) {
        link_source(d->fd, source);
        if (linkat(AT_FDCWD, source, AT_FDCWD, d->path, AT_SYMLINK_FOLLOW) == 0) {
            return CM_OK;
        }
        if (errno != EEXIST) {
            return fail(d->path, why);
        }
        if (!replace) {
            return CM_ERR_EXISTS;
        }
        CM_TRY(give_name(d, why));
    }
    if (!replace && link(d->temp, d->path) != 0) {
        return errno == EEXIST ? CM_ERR_EXISTS : fail(d->path, why);
    }
    if (replace && rename(d->temp, d->path) != 0) {
        return fail(d->path, why);
    }
    if (replace) {
        free(d->temp);
        d->temp = NULL;
    }
out:
    return st;
}

enum cm_status cm_draft_publish(struct cm_draft *d, bool replace, struct cm_why *why)
{
    enum cm_status st = CM_OK;
    sigset_t block;
    sigset_t before;

    /* a keyboard's interrupt waits the moment in which there is a second name */
    (void)sigemptyset(&block);
    (void)sigaddset(&block, SIGINT);
    (void)sigaddset(&block, SIGTERM);
    (void)sigaddset(&block, SIGHUP);
    (void)sigaddset(&block, SIGQUIT);
    (void)pthread_sigmask(SIG_BLOCK, &block, &before);
    st = publish(d, replace, why);
    cm_draft_drop(d);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return st;
}

void cm_draft_drop(struct cm_draft *d)
{
    if (d->temp != NULL) {
        (void)unlink(d->temp);
    }
    if (d->fd >= 0) {
        (void)close(d->fd); /* fsync() has said all that could be said */
    }
    free(d->temp);
    free(d->path);
    *d = (struct cm_draft){-1, NULL, NULL};
}

/* What stands at path is no file of bytes (a device, a pipe): it is written to, never replaced. */
static enum cm_status write_into(const char *path, struct cm_span data, struct cm_why *why)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    enum cm_status st = CM_OK;

    if (fd < 0 || write_all(fd, data) != CM_OK) {
        st = fail(path, why);
    }
    if (fd >= 0 && close(fd) != 0 && st == CM_OK) {
        st = fail(path, why);
    }
    return st;
}

static enum cm_status write_new(const char *path, struct cm_span data, uint32_t mode, bool replace,
                                struct cm_why *why)
{
    struct cm_draft d = {-1, NULL, NULL};
    enum cm_status st = cm_draft_write(&d, path, data, mode, why);

    return st == CM_OK ? cm_draft_publish(&d, replace, why) : st;
}

enum cm_status cm_file_write_atomic(const char *path, struct cm_span data, uint32_t mode,
                                    struct cm_why *why)
{
    struct stat sb;
    char *target = NULL;
    enum cm_status st = CM_OK;

    if (lstat(path, &sb) != 0) {
        return write_new(path, data, mode, true, why); /* nothing there, or the reason comes up */
    }
    if (S_ISLNK(sb.st_mode)) { /* the link stays, what it leads to is written */
        target = realpath(path, NULL);
        if (target == NULL) {
            cm_why_set(why, "%s: a link that leads nowhere: %s", path, strerror(errno));
            return CM_ERR_IO;
        }
    }
    if (stat(path, &sb) == 0 && !S_ISREG(sb.st_mode) && !S_ISDIR(sb.st_mode)) {
        st = write_into(path, data, why);
    } else {
        st = write_new(target == NULL ? path : target, data, mode, true, why);
    }
    free(target);
    return st;
}

enum cm_status cm_file_create_once(const char *path, struct cm_span data, uint32_t mode,
                                   struct cm_why *why)
{
    const enum cm_status st = write_new(path, data, mode, false, why);

    return st == CM_ERR_EXISTS ? CM_OK : st;
}
