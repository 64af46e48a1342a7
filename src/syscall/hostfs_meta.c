/*
 * Links, modes, owners, times and space of the host's files, over casemate/edl/files.edl. They are the
 * host's own and protect nothing; its answers are held to what they may say (C1, C2).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "syscall/hostfs_file.h"
#include "syscall/sys_mounts.h"

CM_HOST_MAY(cm_syscall_readlink_ocall);
CM_HOST_MAY(cm_syscall_symlink_ocall);
CM_HOST_MAY(cm_syscall_chmod_ocall);
CM_HOST_MAY(cm_syscall_fchmod_ocall);
CM_HOST_MAY(cm_syscall_chown_ocall);
CM_HOST_MAY(cm_syscall_fchown_ocall);
CM_HOST_MAY(cm_syscall_utimens_ocall);
CM_HOST_MAY(cm_syscall_futimens_ocall);
CM_HOST_MAY(cm_syscall_statfs_ocall);

long cm_host_readlink(void *fs, const char *path, char *text, size_t size)
{
    const size_t ask = size < CM_PATH_MAX ? size : CM_PATH_MAX;
    ssize_t got = -1;
    char *name = NULL;
    oe_result_t call;
    long r = cm_host_path(fs, path, &name);

    if (r != 0) {
        return r;
    }
    call = CM_HOST_ASK("files", cm_syscall_readlink_ocall, &got, name, text, ask);
    free(name);
    r = cm_host_number(call, got, (int64_t)ask);
    /* a link leads somewhere, and its text has no end before its end */
    return r == 0 || (r > 0 && memchr(text, '\0', (size_t)r) != NULL) ? -EIO : r;
}

long cm_host_symlink(void *fs, const char *target, const char *path)
{
    int got = -1;
    char *name = NULL;
    oe_result_t call;
    long r = cm_host_path(fs, path, &name);

    if (r != 0) {
        return r;
    }
    call = CM_HOST_ASK("files", cm_syscall_symlink_ocall, &got, target, name);
    free(name);
    return cm_host_done(call, got);
}

static void times_of(const struct cm_change *change, oe_timespec out[2])
{
    for (unsigned i = 0; i < 2; i++) {
        out[i].tv_sec = change->times[i].tv_sec;
        out[i].tv_nsec = change->times[i].tv_nsec;
    }
}

static long change_of(const char *name, const struct cm_change *change)
{
    oe_result_t call = OE_UNEXPECTED;
    oe_timespec times[2];
    int got = -1;

    switch (change->what) {
    case CM_CHANGE_MODE:
        call = CM_HOST_ASK("files", cm_syscall_chmod_ocall, &got, name, change->mode);
        break;
    case CM_CHANGE_OWNER:
        call = CM_HOST_ASK("files", cm_syscall_chown_ocall, &got, name, change->owner,
                           change->group, change->follow);
        break;
    case CM_CHANGE_TIMES:
        times_of(change, times);
        call = CM_HOST_ASK("files", cm_syscall_utimens_ocall, &got, name, times, change->follow);
        break;
    }
    return cm_host_done(call, got);
}

long cm_host_change(void *fs, const char *path, const struct cm_change *change)
{
    char *name = NULL;
    long r = cm_host_path(fs, path, &name);

    if (r == 0) {
        r = change_of(name, change);
        free(name);
    }
    return r;
}

long cm_host_file_change(struct cm_file *f, const struct cm_change *change)
{
    const int64_t host = ((struct cm_host_file *)(void *)f)->host;
    oe_result_t call = OE_UNEXPECTED;
    oe_timespec times[2];
    int got = -1;

    switch (change->what) {
    case CM_CHANGE_MODE:
        call = CM_HOST_ASK("files", cm_syscall_fchmod_ocall, &got, host, change->mode);
        break;
    case CM_CHANGE_OWNER:
        call =
            CM_HOST_ASK("files", cm_syscall_fchown_ocall, &got, host, change->owner, change->group);
        break;
    case CM_CHANGE_TIMES:
        times_of(change, times);
        call = CM_HOST_ASK("files", cm_syscall_futimens_ocall, &got, host, times);
        break;
    }
    return cm_host_done(call, got);
}

long cm_host_statfs(void *fs, const char *path, struct statfs *out)
{
    enum { TYPE, SIZE, BLOCKS, FREE, AVAILABLE, FILES, FILES_FREE, LONGEST, NUMBERS };
    enum { SIZE_MOST = 1 << 24, NAME_MOST = 4096 };
    uint64_t n[NUMBERS] = {0};
    int got = -1;
    char *name = NULL;
    oe_result_t call;
    long r = cm_host_path(fs, path, &name);

    if (r != 0) {
        return r;
    }
    call = CM_HOST_ASK("files", cm_syscall_statfs_ocall, &got, name, n);
    free(name);
    r = cm_host_done(call, got);
    if (r != 0) {
        return r;
    }
    /* programs multiply them */
    if (n[SIZE] == 0 || n[SIZE] > SIZE_MOST || n[BLOCKS] > (uint64_t)INT64_MAX / n[SIZE] ||
        n[FREE] > n[BLOCKS] || n[AVAILABLE] > n[FREE] || n[FILES_FREE] > n[FILES] ||
        n[FILES] > INT64_MAX || n[LONGEST] == 0 || n[LONGEST] > NAME_MOST) {
        return -EIO;
    }
    memset(out, 0, sizeof(*out));
    out->f_type = (unsigned long)(n[TYPE] & UINT32_MAX);
    out->f_bsize = (unsigned long)n[SIZE];
    out->f_frsize = (unsigned long)n[SIZE];
    out->f_blocks = n[BLOCKS];
    out->f_bfree = n[FREE];
    out->f_bavail = n[AVAILABLE];
    out->f_files = n[FILES];
    out->f_ffree = n[FILES_FREE];
    out->f_namelen = (unsigned long)n[LONGEST];
    return 0;
}
