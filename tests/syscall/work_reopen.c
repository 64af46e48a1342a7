/* Work on streams that get another file, files without a lasting name, and room for files; see syscall_work.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "syscall_work.h"

/* what stands in a file, up to a line's end */
static void show(const char *path, struct work_log *log)
{
    char line[64] = "";
    FILE *f = fopen(path, "r");

    work_text(log, "file", f == NULL ? NULL : fgets(line, sizeof(line), f));
    if (f != NULL) {
        (void)fclose(f);
    }
}

static void other_file(const char *folder, struct work_log *log)
{
    char line[64] = "";
    FILE *f = fopen(work_path(folder, "one"), "w");
    const int fd = fileno(f);

    (void)fputs("first\nsecond\n", f);
    f = freopen(work_path(folder, "two"), "w", f); /* what was written goes to the first */
    work_note(log, "freopen", f != NULL);
    work_note(log, "same descriptor", fileno(f) == fd);
    (void)fputs("another\n", f);
    f = freopen(work_path(folder, "one"), "r", f);
    work_text(log, "read now", fgets(line, sizeof(line), f));
    work_note(log, "fputc fails", fputc('x', f) == EOF);
    work_note(log, "ferror", ferror(f) != 0);
    f = freopen(work_path(folder, "two"), "r", f);
    work_note(log, "ferror", ferror(f) != 0);
    work_text(log, "read", fgets(line, sizeof(line), f));
    work_note(log, "feof", fgetc(f) == EOF && feof(f) != 0);
    errno = 0;
    f = freopen(work_path(folder, "none/there"), "r", f);
    work_note(log, "no such file", f == NULL ? -1 : 0);
    show(work_path(folder, "two"), log);
    errno = 0;
    work_note(log, "its descriptor", fcntl(fd, F_GETFD)); /* a failed freopen closes the stream */
}

static void other_mode(const char *folder, struct work_log *log)
{
    FILE *f = fopen(work_path(folder, "two"), "r+");

    f = freopen(NULL, "a", f);
    work_note(log, "freopen", f != NULL);
    work_note(log, "O_APPEND", (fcntl(fileno(f), F_GETFL) & O_APPEND) != 0);
    (void)fclose(f);
}

/* standard output into a file, and back */
static void standard_output(const char *folder, struct work_log *log)
{
    int saved = -1;

    (void)fflush(stdout);
    saved = dup(STDOUT_FILENO);
    work_note(log, "freopen", freopen(work_path(folder, "out"), "w", stdout) == stdout);
    work_note(log, "descriptor", fileno(stdout));
    (void)printf("to a file %d\n", 7);
    work_note(log, "fflush", fflush(stdout));
    work_note(log, "dup2", dup2(saved, STDOUT_FILENO));
    work_note(log, "close", close(saved));
    show(work_path(folder, "out"), log);
}

static void without_name(struct work_log *log)
{
    char line[16] = "";
    struct stat s = {0};
    FILE *f = tmpfile();

    work_note(log, "tmpfile", f != NULL);
    (void)fputs("kept\n", f);
    rewind(f);
    work_text(log, "read", fgets(line, sizeof(line), f));
    work_note(log, "fstat", fstat(fileno(f), &s));
    work_note(log, "links", (long)s.st_nlink);
    work_note(log, "mode", s.st_mode & 0777);
    work_note(log, "fclose", fclose(f));
}

static void names(const char *folder, struct work_log *log)
{
    char room[L_tmpnam] = "";
    char *made = NULL;
    char *own = tempnam(folder, "p");

    work_note(log, "tmpnam", tmpnam(room) == room);
    work_note(log, "in /tmp", strncmp(room, "/tmp/", 5));
    work_note(log, "not there", access(room, F_OK));
    made = tmpnam(NULL);
    work_note(log, "another", made != NULL && strcmp(made, room) != 0);
    work_note(log, "tempnam", own != NULL);
    work_note(log, "not there", access(own, F_OK));
    free(own);
}

static void room(const char *folder, struct work_log *log)
{
    struct stat s = {0};
    int fd = open(work_path(folder, "room"), O_RDWR | O_CREAT, 0600);
    void *memory = aligned_alloc(4096, 4096);

    work_note(log, "posix_fallocate", posix_fallocate(fd, 1000, 2000));
    (void)fstat(fd, &s);
    work_note(log, "size", s.st_size);
    work_note(log, "fallocate less", fallocate(fd, 0, 0, 10));
    (void)fstat(fd, &s);
    work_note(log, "size", s.st_size);
    work_note(log, "posix_fallocate nothing", posix_fallocate(fd, 0, 0));
    errno = 0;
    work_note(log, "fallocate nothing", fallocate(fd, 0, 0, 0));
    work_note(log, "posix_fadvise", posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL));
    work_note(log, "posix_fadvise wrong", posix_fadvise(fd, 0, 0, 99));
    work_note(log, "close", close(fd));
    work_note(log, "posix_fadvise closed", posix_fadvise(fd, 0, 0, POSIX_FADV_NORMAL));
    work_note(log, "posix_fallocate closed", posix_fallocate(fd, 0, 1));
    work_note(log, "posix_madvise", posix_madvise(memory, 4096, POSIX_MADV_WILLNEED));
    free(memory);
}

void work_reopen(const char *folder, struct work_log *log)
{
    other_file(folder, log);
    other_mode(folder, log);
    standard_output(folder, log);
    without_name(log);
    names(folder, log);
    room(folder, log);
}
