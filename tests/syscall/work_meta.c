/* Work on what a file system says of files, and on memory; see syscall_work.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/uio.h>
#include <unistd.h>

#include "syscall_work.h"

static void links(const char *folder, struct work_log *log)
{
    char text[64] = "";
    struct stat s;
    int dir = open(folder, O_RDONLY | O_DIRECTORY);

    work_note(log, "symlink", symlink("target of it", work_path(folder, "l")));
    work_note(log, "symlink again", symlink("x", work_path(folder, "l")));
    work_note(log, "symlink to nothing", symlink("", work_path(folder, "m")));
    work_note(log, "readlink", readlink(work_path(folder, "l"), text, sizeof(text)));
    work_text(log, "text", text);
    memset(text, 0, sizeof(text));
    work_note(log, "readlink in 3", readlink(work_path(folder, "l"), text, 3));
    work_text(log, "text", text);
    work_note(log, "readlink in 0", syscall(SYS_readlink, work_path(folder, "l"), text, 0));
    work_note(log, "readlink of a file", readlink(work_path(folder, "f"), text, sizeof(text)));
    work_note(log, "readlink of nothing", readlink(work_path(folder, "no"), text, sizeof(text)));
    work_note(log, "lstat", lstat(work_path(folder, "l"), &s));
    work_note(log, "is a link", S_ISLNK(s.st_mode));
    work_note(log, "stat", stat(work_path(folder, "l"), &s));
    work_note(log, "symlinkat", symlinkat("f", dir, "k"));
    work_note(log, "readlinkat", readlinkat(dir, "k", text, sizeof(text)));
    work_note(log, "stat through it", stat(work_path(folder, "k"), &s));
    work_note(log, "size", s.st_size);
    work_note(log, "unlink", unlink(work_path(folder, "k")));
    work_note(log, "the file is there", access(work_path(folder, "f"), F_OK));
    work_note(log, "close", close(dir));
}

static void modes(const char *folder, int fd, struct work_log *log)
{
    const char *f = work_path(folder, "f");
    struct stat s;
    int dir = open(folder, O_RDONLY | O_DIRECTORY);

    work_note(log, "chmod", chmod(f, 0640));
    work_note(log, "stat", stat(f, &s));
    work_note(log, "mode", s.st_mode);
    work_note(log, "fchmod", fchmod(fd, 0604));
    work_note(log, "fchmodat", fchmodat(dir, "f", 0666, 0) == 0 ? fstat(fd, &s) : -1);
    work_note(log, "mode", s.st_mode);
    work_note(log, "chmod of nothing", chmod(work_path(folder, "no"), 0600));
    work_note(log, "fchmod of closed", fchmod(777, 0600));
    work_note(log, "chown to nobody new", chown(f, (uid_t)-1, (gid_t)-1));
    work_note(log, "lchown", lchown(work_path(folder, "l"), (uid_t)-1, (gid_t)-1));
    work_note(log, "chown of a link to nothing", chown(work_path(folder, "l"), getuid(), getgid()));
    work_note(log, "fchown", fchown(fd, getuid(), getgid()));
    work_note(log, "fchownat", fchownat(dir, "f", getuid(), getgid(), 0));
    work_note(log, "fchownat of itself", fchownat(fd, "", getuid(), getgid(), AT_EMPTY_PATH));
    work_note(log, "fchownat wrong", fchownat(dir, "f", 0, 0, 1));
    work_note(log, "close", close(dir));
}

static void times(const char *folder, int fd, struct work_log *log)
{
    const struct timespec good[2] = {{1000000, 5}, {2000000, 999999999}};
    const struct timespec half[2] = {{0, UTIME_OMIT}, {3000000, 0}};
    const struct timespec bad[2] = {{0, 1000000000}, {0, 0}};
    const char *f = work_path(folder, "f");
    struct stat s;

    work_note(log, "utimensat", utimensat(AT_FDCWD, f, good, 0));
    work_note(log, "stat", stat(f, &s));
    work_note(log, "atime", s.st_atim.tv_sec + s.st_atim.tv_nsec);
    work_note(log, "mtime", s.st_mtim.tv_sec + s.st_mtim.tv_nsec);
    work_note(log, "futimens", futimens(fd, half));
    work_note(log, "fstat", fstat(fd, &s));
    work_note(log, "atime", s.st_atim.tv_sec);
    work_note(log, "mtime", s.st_mtim.tv_sec);
    work_note(log, "utimensat of the link",
              utimensat(AT_FDCWD, work_path(folder, "l"), good, AT_SYMLINK_NOFOLLOW));
    work_note(log, "utimensat through it", utimensat(AT_FDCWD, work_path(folder, "l"), good, 0));
    work_note(log, "utimensat wrong", utimensat(AT_FDCWD, f, bad, 0));
    work_note(log, "utimensat with a wrong flag", utimensat(AT_FDCWD, f, good, 1));
    work_note(log, "utimensat now", utimensat(AT_FDCWD, f, NULL, 0));
    work_note(log, "stat", stat(f, &s));
    work_note(log, "later", s.st_mtim.tv_sec > 1000000000);
}

/* the kernel's struct statx as bytes: mode at 28, size at 40 */
static void statxes(const char *folder, int fd, struct work_log *log)
{
    unsigned char x[256] = {0};
    uint16_t mode = 0;
    uint64_t size = 0;

    work_note(log, "statx", syscall(SYS_statx, AT_FDCWD, work_path(folder, "f"), 0, 0x7ff, x));
    memcpy(&mode, x + 28, sizeof(mode));
    memcpy(&size, x + 40, sizeof(size));
    work_note(log, "mode", mode);
    work_note(log, "size", (long)size);
    work_note(log, "statx of a link",
              syscall(SYS_statx, AT_FDCWD, work_path(folder, "l"), AT_SYMLINK_NOFOLLOW, 0x7ff, x));
    memcpy(&mode, x + 28, sizeof(mode));
    work_note(log, "mode", mode);
    work_note(log, "statx of a descriptor", syscall(SYS_statx, fd, "", AT_EMPTY_PATH, 0x7ff, x));
    work_note(log, "statx of nothing", syscall(SYS_statx, AT_FDCWD, "/no/such", 0, 0x7ff, x));
    work_note(log, "statx wrong", syscall(SYS_statx, AT_FDCWD, "/", 0x6000, 0x7ff, x));
}

void work_meta(const char *folder, struct work_log *log)
{
    char one[4] = "";
    char two[8] = "";
    struct iovec parts[2] = {{one, 3}, {two, 7}};
    struct statvfs v;
    struct stat s;
    int fd = open(work_path(folder, "f"), O_RDWR | O_CREAT, 0600);

    work_note(log, "write", write(fd, "some text for it", 16));
    links(folder, log);
    modes(folder, fd, log);
    times(folder, fd, log);
    statxes(folder, fd, log);
    work_note(log, "preadv", preadv(fd, parts, 2, 5));
    work_text(log, "one", one);
    work_text(log, "two", two);
    work_note(log, "preadv before", preadv(fd, parts, 2, -5));
    work_note(log, "pwritev", pwritev(fd, parts, 2, 14));
    work_note(log, "where it is", lseek(fd, 0, SEEK_CUR));
    work_note(log, "fallocate", syscall(SYS_fallocate, fd, 0, 100, 28));
    work_note(log, "fallocate of less", syscall(SYS_fallocate, fd, 0, 0, 5));
    work_note(log, "fallocate of nothing", syscall(SYS_fallocate, fd, 0, 5, 0));
    work_note(log, "fstat", fstat(fd, &s));
    work_note(log, "size", s.st_size);
    work_note(log, "statvfs", statvfs(folder, &v));
    work_note(log, "longest name", (long)v.f_namemax);
    work_note(log, "block size", (long)v.f_bsize);
    work_note(log, "blocks", v.f_bavail <= v.f_bfree && v.f_bfree <= v.f_blocks);
    work_note(log, "fstatvfs", fstatvfs(fd, &v));
    work_note(log, "statvfs of nothing", statvfs("/no/such", &v));
    work_note(log, "close", close(fd));
}

void work_memory(const char *folder, struct work_log *log)
{
    enum { PAGE = 4096, PAGES = 5 };
    struct sysinfo info;
    size_t zeros = 0;
    unsigned char *p =
        mmap(NULL, PAGES * PAGE - 100, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)folder;
    work_note(log, "mmap", p != MAP_FAILED);
    work_note(log, "aligned", ((uintptr_t)p & (PAGE - 1)) == 0);
    while (zeros < PAGES * PAGE && p[zeros] == 0) {
        zeros++;
    }
    work_note(log, "zeros", (long)zeros);
    memset(p, 1, PAGES * PAGE);
    work_note(log, "mprotect as it is", mprotect(p, PAGE, PROT_READ | PROT_WRITE));
    work_note(log, "munmap in the middle", munmap(p + PAGE, 2 * PAGE));
    work_note(log, "the rest is there", p[0] == 1 && p[3 * PAGE] == 1);
    work_note(log, "munmap the end", munmap(p + 3 * PAGE, PAGE + 1));
    work_note(log, "munmap the start", munmap(p, PAGE));
    work_note(log, "munmap no page", munmap(p + 1, PAGE));
    work_note(log, "mmap of nothing",
              mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0);
    work_note(log, "mmap of too much",
              mmap(NULL, SIZE_MAX - PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
                      MAP_FAILED
                  ? -1
                  : 0);
    work_note(log, "sysinfo", sysinfo(&info));
    work_note(log, "memory", info.totalram != 0 && info.freeram <= info.totalram);
}
