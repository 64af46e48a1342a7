/* Work on files: descriptors, paths, streams and folders; see syscall_work.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "syscall_work.h"

static void big_data(int fd, struct work_log *log)
{
    enum { BIG = 200001 };
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
    work_note(log, "pwrite behind the end", pwrite(fd, bytes, 10, BIG + 100));
    work_note(log, "size", lseek(fd, 0, SEEK_END));
    free(bytes);
}

static void vectors(int fd, struct work_log *log)
{
    char a[4] = "";
    char b[8] = "";
    char one[] = "one ";
    char two[] = "two three";
    struct iovec out[3] = {{one, 4}, {NULL, 0}, {two, 9}};
    struct iovec in[2] = {{a, 3}, {b, 7}};

    work_note(log, "ftruncate", ftruncate(fd, 0));
    work_note(log, "seek", lseek(fd, 0, SEEK_SET));
    work_note(log, "writev", writev(fd, out, 3));
    work_note(log, "seek to 1", lseek(fd, 1, SEEK_SET));
    work_note(log, "readv", readv(fd, in, 2));
    work_text(log, "first", a);
    work_text(log, "second", b);
}

static void duplicates(int fd, struct work_log *log)
{
    char c = 0;
    int two = dup(fd);
    int at = dup2(fd, 77);
    int from = fcntl(fd, F_DUPFD, 90);

    work_note(log, "dup is higher", two > fd);
    work_note(log, "dup2", at);
    work_note(log, "F_DUPFD", from);
    work_note(log, "dup2 onto itself", dup2(fd, fd) == fd);
    work_note(log, "dup3 onto itself", dup3(fd, fd, 0));
    work_note(log, "dup3 with a wrong flag", dup3(fd, 70, 1));
    work_note(log, "dup3", dup3(fd, 70, O_CLOEXEC));
    work_note(log, "FD_CLOEXEC of dup3", fcntl(70, F_GETFD));
    work_note(log, "FD_CLOEXEC of dup2", fcntl(77, F_GETFD));
    work_note(log, "F_SETFD", fcntl(77, F_SETFD, FD_CLOEXEC));
    work_note(log, "F_GETFD", fcntl(77, F_GETFD));
    work_note(log, "seek by one", lseek(at, 4, SEEK_SET));
    work_note(log, "read by the other", read(two, &c, 1));
    work_note(log, "what", c);
    work_note(log, "close one", close(fd));
    work_note(log, "close it again", close(fd));
    work_note(log, "read after", read(two, &c, 1));
    work_note(log, "close", close(two));
    work_note(log, "close", close(at));
    work_note(log, "close", close(from));
    work_note(log, "close", close(70));
    work_note(log, "write to closed", write(at, &c, 1));
    work_note(log, "dup of closed", dup(at));
    work_note(log, "dup2 to nowhere", dup2(0, -1));
    work_note(log, "F_DUPFD to nowhere", fcntl(0, F_DUPFD, -1));
}

void work_descriptors(const char *folder, struct work_log *log)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 10};
    struct stat s;
    char c = 'x';
    int waiting = -1;
    int fd = open(work_path(folder, "a"), O_RDWR | O_CREAT | O_EXCL, 0640);
    int other;

    work_note(log, "open", fd >= 3);
    big_data(fd, log);
    vectors(fd, log);
    work_note(log, "F_GETFL", fcntl(fd, F_GETFL) & (O_ACCMODE | O_APPEND | O_NONBLOCK));
    work_note(log, "F_SETFL", fcntl(fd, F_SETFL, O_APPEND));
    work_note(log, "F_GETFL", fcntl(fd, F_GETFL) & (O_ACCMODE | O_APPEND | O_NONBLOCK));
    work_note(log, "seek to start", lseek(fd, 0, SEEK_SET));
    work_note(log, "append", write(fd, "!", 1));
    work_note(log, "F_SETLK", fcntl(fd, F_SETLK, &lock));
    work_note(log, "F_GETLK", fcntl(fd, F_GETLK, &lock));
    work_note(log, "lock", lock.l_type);
    work_note(log, "flock", flock(fd, LOCK_EX));
    work_note(log, "flock wrong", flock(fd, 77));
    work_note(log, "flock", flock(fd, LOCK_UN));
    work_note(log, "fsync", fsync(fd));
    work_note(log, "fdatasync", fdatasync(fd));
    work_note(log, "FIONREAD", lseek(fd, 0, SEEK_SET) == 0 ? ioctl(fd, FIONREAD, &waiting) : -2);
    work_note(log, "waiting", waiting);
    work_note(log, "isatty", isatty(fd));
    work_note(log, "fstat", fstat(fd, &s));
    work_note(log, "size", s.st_size);
    work_note(log, "mode", s.st_mode);
    other = open(work_path(folder, "b"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    work_note(log, "read of write only", read(other, &c, 1));
    work_note(log, "sendfile", sendfile(other, fd, NULL, 5));
    work_note(log, "seek wrong", lseek(fd, -1, SEEK_SET));
    work_note(log, "seek strange", lseek(fd, 0, 99));
    work_note(log, "pread at -1", pread(fd, &c, 1, -1));
    work_note(log, "ftruncate below 0", ftruncate(fd, -1));
    work_note(log, "close", close(other));
    other = open(work_path(folder, "b"), O_RDONLY);
    work_note(log, "write of read only", write(other, &c, 1));
    work_note(log, "ftruncate of read only", ftruncate(other, 0));
    work_note(log, "close", close(other));
    duplicates(fd, log);
}

void work_paths(const char *folder, struct work_log *log)
{
    struct stat s;
    char cwd[1024];
    int dir;
    int fd;

    work_note(log, "open what is not there", open(work_path(folder, "no"), O_RDONLY));
    work_note(log, "open nothing", open("", O_RDONLY));
    work_note(log, "creat", close(creat(work_path(folder, "f"), 0644)));
    work_note(log, "O_EXCL", open(work_path(folder, "f"), O_CREAT | O_EXCL | O_WRONLY, 0644));
    work_note(log, "mkdir", mkdir(work_path(folder, "d"), 0755));
    work_note(log, "mkdir again", mkdir(work_path(folder, "d"), 0755));
    work_note(log, "chdir", chdir(work_path(folder, "d")));
    work_text(log, "getcwd", strstr(getcwd(cwd, sizeof(cwd)), "/d"));
    work_note(log, "getcwd in 1", getcwd(cwd, 1) == NULL ? -1 : 0);
    work_note(log, "relative", close(creat("../g", 0600)));
    work_note(log, "dots", access("./.././/d/../g", F_OK));
    work_note(log, "chdir to a file", chdir("../g"));
    work_note(log, "chdir to nowhere", chdir("nowhere"));
    work_note(log, "link", link("../g", "h"));
    work_note(log, "stat", stat("h", &s));
    work_note(log, "links", (long)s.st_nlink);
    work_note(log, "rename", rename("h", "i"));
    work_note(log, "rename of nothing", rename("h", "j"));
    work_note(log, "access", access("i", R_OK | W_OK));
    work_note(log, "access wrong", access("i", 99));
    work_note(log, "truncate", truncate("i", 1234));
    work_note(log, "truncate below 0", truncate("i", -1));
    work_note(log, "lstat", lstat("i", &s));
    work_note(log, "size", s.st_size);
    dir = open(".", O_RDONLY | O_DIRECTORY);
    fd = openat(dir, "k", O_CREAT | O_RDWR, 0600);
    work_note(log, "openat", fd > dir);
    work_note(log, "openat of a file", openat(fd, "k", O_RDONLY));
    work_note(log, "fstatat", fstatat(dir, "k", &s, AT_SYMLINK_NOFOLLOW));
    work_note(log, "mkdirat", mkdirat(dir, "sub", 0700));
    work_note(log, "faccessat", faccessat(dir, "sub", X_OK, 0));
    work_note(log, "renameat", renameat(dir, "k", dir, "sub/l"));
    work_note(log, "linkat", linkat(dir, "i", dir, "m", 0));
    work_note(log, "rmdir of what is full", rmdir("sub"));
    work_note(log, "unlinkat", unlinkat(dir, "sub/l", 0));
    work_note(log, "unlinkat of a folder", unlinkat(dir, "sub", AT_REMOVEDIR));
    work_note(log, "unlink of a folder", unlink(folder));
    work_note(log, "read of a folder", read(dir, cwd, 1));
    work_note(log, "write of a folder", open(".", O_WRONLY));
    work_note(log, "O_DIRECTORY of a file", open("i", O_RDONLY | O_DIRECTORY));
    work_note(log, "fchdir", fchdir(dir));
    work_note(log, "fchdir to a file", fchdir(fd));
    work_note(log, "remove", remove("m"));
    work_note(log, "close", close(fd));
    work_note(log, "close", close(dir));
    work_note(log, "chdir", chdir("/"));
}

void work_streams(const char *folder, struct work_log *log)
{
    char line[64] = "";
    char word[16] = "";
    int number = 0;
    int i;
    FILE *f = fopen(work_path(folder, "s"), "w");

    work_note(log, "fopen", f != NULL);
    for (i = 0; i < 2000; i++) {
        (void)fprintf(f, "line %d of many\n", i);
    }
    work_note(log, "ftell", ftell(f));
    work_note(log, "fclose", fclose(f));
    f = fopen(work_path(folder, "s"), "r+");
    work_note(log, "fseek", fseek(f, 14 * 5, SEEK_SET));
    work_text(log, "fgets", fgets(line, sizeof(line), f));
    work_note(log, "fscanf", fscanf(f, "%15s %d", word, &number));
    work_text(log, "word", word);
    work_note(log, "number", number);
    work_note(log, "ungetc", ungetc('Z', f));
    work_note(log, "fgetc", fgetc(f));
    work_note(log, "fseek", fseek(f, -5, SEEK_END));
    work_note(log, "fread", (long)fread(line, 1, sizeof(line), f));
    work_note(log, "feof", feof(f) != 0);
    rewind(f);
    work_note(log, "fputs", fputs("LINE", f) >= 0);
    work_note(log, "fflush", fflush(f));
    work_note(log, "fclose", fclose(f));
    f = fopen(work_path(folder, "s"), "a+");
    work_note(log, "fputs", fputs("the end", f) >= 0);
    work_note(log, "fseek", fseek(f, 0, SEEK_SET));
    work_text(log, "fgets", fgets(line, sizeof(line), f));
    work_note(log, "fclose", fclose(f));
    work_note(log, "fopen of nothing", fopen(work_path(folder, "no"), "r") == NULL ? -1 : 0);
    f = fopen(work_path(folder, "s"), "r");
    work_note(log, "write to what is read", fputc('x', f) == EOF);
    work_note(log, "ferror", ferror(f) != 0);
    work_note(log, "fclose", fclose(f));
}

static int by_name(const void *a, const void *b)
{
    const char *const *x = a;
    const char *const *y = b;

    return strcmp(*x, *y);
}

void work_folders(const char *folder, struct work_log *log)
{
    enum { FILES = 150 };
    char name[32];
    char *names[FILES + 8];
    struct dirent *e;
    long middle = 0;
    size_t count = 0;
    size_t i;
    DIR *d;

    for (i = 0; i < FILES; i++) {
        (void)snprintf(name, sizeof(name), "file-with-number-%zu", i * i);
        (void)close(creat(work_path(folder, name), 0600));
    }
    (void)mkdir(work_path(folder, "folder"), 0700);
    d = opendir(folder);
    work_note(log, "opendir", d != NULL);
    for (e = readdir(d); e != NULL && count < FILES + 8; e = readdir(d)) {
        (void)snprintf(name, sizeof(name), "%.25s/%d", e->d_name, e->d_type);
        names[count++] = strdup(name);
        if (count == 70) {
            middle = telldir(d);
        }
    }
    work_note(log, "entries", (long)count);
    seekdir(d, middle);
    for (i = 70; readdir(d) != NULL; i++) {
    }
    work_note(log, "after seekdir", (long)i);
    rewinddir(d);
    for (i = 0; readdir(d) != NULL; i++) {
    }
    work_note(log, "after rewinddir", (long)i);
    work_note(log, "closedir", closedir(d));
    qsort(names, count, sizeof(names[0]), by_name);
    for (i = 0; i < count; i++) {
        if (i % 10 == 0) {
            work_text(log, "entry", names[i]);
        }
        free(names[i]);
    }
    work_note(log, "opendir of nothing", opendir(work_path(folder, "no")) == NULL ? -1 : 0);
    work_note(log, "rmdir of what is full", rmdir(folder));
}
