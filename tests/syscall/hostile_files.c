/*
 * A host program that defines the ocalls on files itself, and lies in the one that is armed. The
 * others are honest. Rows C1 and C2 (docs/testing.md).
 */
#include "hostile_lie.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "syscall_u.h"

struct lie lie;

bool lie_now(const char *name)
{
    if (lie.name == NULL || strcmp(lie.name, name) != 0) {
        return false;
    }
    errno = lie.error;
    lie.told++;
    return true;
}

oe_host_fd_t oe_syscall_open_ocall(const char *pathname, int flags, oe_mode_t mode)
{
    return lie_now("open") ? lie.value : open(pathname, flags, (mode_t)mode);
}

ssize_t oe_syscall_read_ocall(oe_host_fd_t fd, void *buf, size_t count)
{
    if (lie_now("read")) {
        memset(buf, 0x5a, count);
        return lie.value;
    }
    return read((int)fd, buf, count);
}

ssize_t oe_syscall_pread_ocall(oe_host_fd_t fd, void *buf, size_t count, oe_off_t offset)
{
    return lie_now("pread") ? lie.value : pread((int)fd, buf, count, offset);
}

ssize_t oe_syscall_write_ocall(oe_host_fd_t fd, const void *buf, size_t count)
{
    return lie_now("write") ? lie.value : write((int)fd, buf, count);
}

ssize_t oe_syscall_pwrite_ocall(oe_host_fd_t fd, const void *buf, size_t count, oe_off_t offset)
{
    return lie_now("pwrite") ? lie.value : pwrite((int)fd, buf, count, offset);
}

oe_off_t oe_syscall_lseek_ocall(oe_host_fd_t fd, oe_off_t offset, int whence)
{
    return lie_now("lseek") ? lie.value : lseek((int)fd, offset, whence);
}

/* an honest regular file, but for the member that the lie names */
static void forge(oe_stat_t *s)
{
    memset(s, 0, sizeof(*s));
    s->st_mode = S_IFREG | 0600;
    s->st_blksize = 4096;
    switch (lie.member) {
    case 1:
        s->st_size = lie.value;
        break;
    case 2:
        s->st_mode = (oe_mode_t)lie.value;
        break;
    case 3:
        s->st_mtim.tv_nsec = lie.value;
        break;
    case 4:
        s->st_blksize = lie.value;
        break;
    default:
        break;
    }
}

int oe_syscall_stat_ocall(const char *pathname, oe_stat_t *buf)
{
    (void)pathname;
    (void)lie_now("stat");
    forge(buf);
    return 0;
}

int oe_syscall_fstat_ocall(oe_host_fd_t fd, oe_stat_t *buf)
{
    struct stat s = {0};

    if (lie_now("fstat")) {
        forge(buf);
        return 0;
    }
    if (fstat((int)fd, &s) != 0) {
        return -1;
    }
    memset(buf, 0, sizeof(*buf));
    buf->st_mode = s.st_mode;
    return 0;
}

int oe_syscall_readdir_ocall(uint64_t dirp, oe_dirent *entry)
{
    (void)dirp;
    (void)lie_now("readdir");
    memset(entry, 0, sizeof(*entry));
    entry->d_reclen = 0xffff;
    if (lie.text == NULL) {
        memset(entry->d_name, 'a', sizeof(entry->d_name)); /* no end */
    } else {
        memcpy(entry->d_name, lie.text, strlen(lie.text) + 1);
    }
    return (int)lie.value;
}

ssize_t cm_syscall_readlink_ocall(const char *pathname, char *text, size_t size)
{
    (void)pathname;
    (void)lie_now("readlink");
    memset(text, lie.member, size);
    return lie.value;
}

int cm_syscall_chmod_ocall(const char *pathname, oe_mode_t mode)
{
    (void)pathname;
    (void)mode;
    (void)lie_now("chmod");
    return (int)lie.value;
}

/* an honest answer, but for the number that the lie names */
int cm_syscall_statfs_ocall(const char *pathname, uint64_t *numbers)
{
    static const uint64_t honest[8] = {1, 4096, 1000, 500, 400, 100, 50, 255};

    (void)pathname;
    (void)lie_now("statfs");
    memcpy(numbers, honest, sizeof(honest));
    if (lie.member != 0) {
        numbers[lie.member] = (uint64_t)lie.value;
        return 0;
    }
    return (int)lie.value;
}

int oe_syscall_access_ocall(const char *pathname, int mode)
{
    return lie_now("access") ? (int)lie.value : access(pathname, mode);
}

int oe_syscall_fcntl_ocall(oe_host_fd_t fd, int cmd, uint64_t arg, uint64_t argsize, void *argout)
{
    struct flock forged = {.l_type = (short)lie.member};

    (void)fd;
    (void)cmd;
    (void)arg;
    (void)lie_now("fcntl");
    memcpy(argout, &forged, argsize < sizeof(forged) ? argsize : sizeof(forged));
    return (int)lie.value;
}

int oe_syscall_ioctl_ocall(oe_host_fd_t fd, uint64_t request, uint64_t arg, uint64_t argsize,
                           void *argout)
{
    (void)fd;
    (void)request;
    (void)arg;
    (void)lie_now("ioctl");
    memcpy(argout, &lie.member, argsize < sizeof(lie.member) ? argsize : sizeof(lie.member));
    return (int)lie.value;
}
