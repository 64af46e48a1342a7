/*
 * Work on files that is done twice, by the host on its own files and inside on protected ones, and must
 * see the same: what POSIX says, without what docs/protected-files.md leaves out.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "pfs_work.h"

static void big_data(int fd, struct work_log *log)
{
    enum { BIG = 700001 };
    unsigned char *bytes = malloc(BIG);
    size_t i;

    for (i = 0; i < BIG; i++) {
        bytes[i] = (unsigned char)(i * 7 + i / 256);
    }
    work_note(log, "write big", write(fd, bytes, BIG));
    memset(bytes, 0, BIG);
    work_note(log, "seek to start", lseek(fd, 0, SEEK_SET));
    work_note(log, "read big", read(fd, bytes, BIG));
    for (i = 0; i < BIG && bytes[i] == (unsigned char)(i * 7 + i / 256); i++) {
    }
    work_note(log, "big is the same", i == BIG);
    work_note(log, "pread at the end", pread(fd, bytes, BIG, BIG - 5));
    work_note(log, "pread behind it", pread(fd, bytes, BIG, BIG + 5));
    work_note(log, "pwrite behind the end", pwrite(fd, bytes, 10, BIG + 100000));
    work_note(log, "size", lseek(fd, 0, SEEK_END));
    work_note(log, "pread of the gap", pread(fd, bytes, 100000, BIG));
    for (i = 0; i < 100000 && bytes[i] == 0; i++) {
    }
    work_note(log, "zeros", (long)i);
    free(bytes);
}

void work_protected(const char *folder, struct work_log *log)
{
    char one[] = "one ";
    char two[] = "two three";
    struct iovec out[3] = {{one, 4}, {NULL, 0}, {two, 9}};
    char back[16] = "";
    struct stat s;
    char c = 'x';
    int fd = open(work_path(folder, "a"), O_RDWR | O_CREAT | O_EXCL, 0640);
    int again;
    int other;
    int moved;

    work_note(log, "open", fd >= 3);
    big_data(fd, log);
    work_note(log, "ftruncate", ftruncate(fd, 5000));
    work_note(log, "ftruncate longer", ftruncate(fd, 9000));
    work_note(log, "pread of what was cut", pread(fd, back, 4, 5000));
    work_note(log, "zero", back[0]);
    work_note(log, "ftruncate to nothing", ftruncate(fd, 0));
    work_note(log, "ftruncate below", ftruncate(fd, -1));
    work_note(log, "seek", lseek(fd, 0, SEEK_SET));
    work_note(log, "writev", writev(fd, out, 3));
    again = open(work_path(folder, "a"), O_RDWR | O_APPEND);
    work_note(log, "append by another descriptor", write(again, "!", 1));
    work_note(log, "where that one is", lseek(again, 0, SEEK_CUR));
    work_note(log, "where this one is", lseek(fd, 0, SEEK_CUR));
    work_note(log, "pread", pread(fd, back, sizeof(back) - 1, 4));
    work_text(log, "text", back);
    work_note(log, "fstat", fstat(fd, &s));
    work_note(log, "size", s.st_size);
    work_note(log, "mode", s.st_mode);
    work_note(log, "links", (long)s.st_nlink);
    work_note(log, "stat while open", stat(work_path(folder, "a"), &s));
    work_note(log, "size", s.st_size);
    work_note(log, "F_GETFL", fcntl(again, F_GETFL) & (O_ACCMODE | O_APPEND));
    work_note(log, "F_SETFL", fcntl(again, F_SETFL, 0));
    work_note(log, "F_GETFL", fcntl(again, F_GETFL) & (O_ACCMODE | O_APPEND));
    work_note(log, "fsync", fsync(fd));
    work_note(log, "fdatasync", fdatasync(fd));
    work_note(log, "seek below 0", lseek(fd, -1, SEEK_SET));
    work_note(log, "seek strange", lseek(fd, 0, 99));
    work_note(log, "seek far", lseek(fd, INT64_MAX, SEEK_END));
    work_note(log, "isatty", isatty(fd));
    work_note(log, "close", close(again));
    again = open(work_path(folder, "b"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    work_note(log, "read of write only", read(again, &c, 1));
    work_note(log, "seek", lseek(fd, 0, SEEK_SET));
    work_note(log, "sendfile", sendfile(again, fd, NULL, 5));
    work_note(log, "close", close(again));
    again = open(work_path(folder, "b"), O_RDONLY);
    work_note(log, "write of read only", write(again, &c, 1));
    work_note(log, "ftruncate of read only", ftruncate(again, 0));
    work_note(log, "read", read(again, back, sizeof(back)));
    work_note(log, "unlink while open", unlink(work_path(folder, "b")));
    work_note(log, "is gone", access(work_path(folder, "b"), F_OK));
    work_note(log, "read still", pread(again, back, sizeof(back), 1));
    other = creat(work_path(folder, "b"), 0600);
    work_note(log, "a new one", write(other, "new text", 8));
    work_note(log, "close", close(other));
    memset(back, 0, sizeof(back));
    work_note(log, "the old one", pread(again, back, sizeof(back) - 1, 0));
    work_text(log, "text", back);
    work_note(log, "stat of the new one", stat(work_path(folder, "b"), &s));
    work_note(log, "size", s.st_size);
    memset(back, 0, sizeof(back));
    other = open(work_path(folder, "b"), O_RDONLY);
    work_note(log, "rename over it", rename(work_path(folder, "a"), work_path(folder, "b")));
    work_note(log, "what was there", pread(other, back, sizeof(back) - 1, 0));
    work_text(log, "text", back);
    memset(back, 0, sizeof(back));
    moved = open(work_path(folder, "b"), O_RDONLY);
    work_note(log, "what is there", pread(moved, back, sizeof(back) - 1, 0));
    work_text(log, "text", back);
    work_note(log, "close", close(moved));
    work_note(log, "close", close(other));
    work_note(log, "rename back", rename(work_path(folder, "b"), work_path(folder, "a")));
    work_note(log, "close", close(again));
    work_note(log, "O_TRUNC", close(open(work_path(folder, "a"), O_WRONLY | O_TRUNC)));
    work_note(log, "seen by the other", lseek(fd, 0, SEEK_END));
    work_note(log, "close", close(fd));
}

void work_protected_paths(const char *folder, struct work_log *log)
{
    struct stat s;
    char cwd[1024];
    int dir;
    int fd;

    work_note(log, "open what is not there", open(work_path(folder, "no"), O_RDONLY));
    work_note(log, "stat of it", stat(work_path(folder, "no"), &s));
    work_note(log, "creat", close(creat(work_path(folder, "f"), 0644)));
    work_note(log, "O_EXCL", open(work_path(folder, "f"), O_CREAT | O_EXCL | O_WRONLY, 0644));
    work_note(log, "mkdir", mkdir(work_path(folder, "d"), 0755));
    work_note(log, "mkdir again", mkdir(work_path(folder, "d"), 0755));
    work_note(log, "file over a folder", open(work_path(folder, "d"), O_CREAT | O_RDWR, 0644));
    work_note(log, "in no folder", open(work_path(folder, "n/o"), O_CREAT | O_RDWR, 0644));
    work_note(log, "below a file", open(work_path(folder, "f/o"), O_CREAT | O_RDWR, 0644));
    work_note(log, "chdir", chdir(work_path(folder, "d")));
    work_note(log, "relative", close(creat("../g", 0600)));
    work_note(log, "truncate", truncate("../g", 1234));
    work_note(log, "truncate of nothing", truncate("../no", 1234));
    work_note(log, "rename", rename("../g", "i"));
    work_note(log, "rename of nothing", rename("h", "j"));
    work_note(log, "rename onto itself", rename("i", "i"));
    work_note(log, "lstat", lstat("i", &s));
    work_note(log, "size", s.st_size);
    work_note(log, "access", access("i", R_OK | W_OK));
    work_note(log, "rename over a file", rename("i", "../f"));
    work_note(log, "stat", stat("../f", &s));
    work_note(log, "size", s.st_size);
    work_note(log, "rename over a folder", rename("../f", "../d"));
    dir = open(".", O_RDONLY | O_DIRECTORY);
    fd = openat(dir, "k", O_CREAT | O_RDWR, 0600);
    work_note(log, "openat", fd > dir);
    work_note(log, "write", write(fd, "before", 6));
    work_note(log, "rename while open", renameat(dir, "k", dir, "l"));
    work_note(log, "write after", write(fd, " after", 6));
    work_note(log, "close", close(fd));
    work_note(log, "fstatat", fstatat(dir, "l", &s, AT_SYMLINK_NOFOLLOW));
    work_note(log, "size", s.st_size);
    work_note(log, "openat of what was moved", openat(dir, "k", O_RDONLY));
    fd = openat(dir, "l", O_RDONLY);
    memset(cwd, 0, sizeof(cwd));
    work_note(log, "read", read(fd, cwd, 20));
    work_text(log, "text", cwd);
    work_note(log, "mkdirat", mkdirat(dir, "sub", 0700));
    work_note(log, "renameat", renameat(dir, "l", dir, "sub/l"));
    work_note(log, "rmdir of what is full", rmdir("sub"));
    work_note(log, "unlinkat", unlinkat(dir, "sub/l", 0));
    work_note(log, "unlinkat of a folder", unlinkat(dir, "sub", AT_REMOVEDIR));
    work_note(log, "unlink of a folder", unlink("../d"));
    work_note(log, "unlink of nothing", unlink("nothing"));
    work_note(log, "read of a folder", read(dir, cwd, 1));
    work_note(log, "write of a folder", open(".", O_WRONLY));
    work_note(log, "O_DIRECTORY of a file", open("../f", O_RDONLY | O_DIRECTORY));
    work_note(log, "fsync of a folder", fsync(dir));
    work_note(log, "close", close(fd));
    work_note(log, "close", close(dir));
    work_note(log, "chdir", chdir("/"));
}
