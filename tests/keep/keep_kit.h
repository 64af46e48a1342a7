/* What the tests of keys at rest share: a folder and a store of their own, and files with secrets. */
#ifndef CM_TESTS_KEEP_KIT_H
#define CM_TESTS_KEEP_KIT_H

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"
#include "memory_search.h"

#include "common/wipe.h"
#include "keep/keep.h"
#include "keep/keep_root.h"
#include "store/db.h"

static char dir[PATH_MAX / 2];

static inline const char *in_dir(const char *scheme, const char *name)
{
    static char texts[8][PATH_MAX];
    static size_t next;
    char *text = texts[next++ % 8];

    (void)snprintf(text, PATH_MAX, "%s%s/%s", scheme, dir, name);
    return text;
}

static inline void remove_dir(void)
{
    char command[PATH_MAX];

    (void)snprintf(command, sizeof(command), "rm -rf '%s'", dir);
    if (dir[0] != '\0' && system(command) != 0) {
        abort();
    }
}

/* An empty folder, and an empty store in it. */
static inline struct cm_db *begin(void)
{
    struct cm_db *db = NULL;
    struct cm_why why = {""};
    char cwd[PATH_MAX / 4] = "";

    if (dir[0] == '\0') {
        (void)atexit(remove_dir);
    }
    remove_dir();
    if (getcwd(cwd, sizeof(cwd)) == NULL) {
        abort();
    }
    (void)snprintf(dir, sizeof(dir), "%s/keep-test-%ld", cwd, (long)getpid());
    if (mkdir(dir, 0700) != 0 || cm_db_open(in_dir("sqlite:", "store.db"), &db, &why) != CM_OK) {
        (void)printf("begin: %s\n", why.text);
        abort();
    }
    return db;
}

/* Written by another process, so that this one has never seen it. */
static inline void write_hidden(const char *path, const uint8_t *masked, size_t len, int mode)
{
    pid_t child = fork();
    int status = 0;

    if (child == 0) {
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode);
        bool good = fd >= 0 && fchmod(fd, (mode_t)mode) == 0;

        for (size_t i = 0; i < len && good; i++) {
            uint8_t byte = masked[i] ^ MEMORY_MASK;

            good = write(fd, &byte, 1) == 1;
        }
        _exit(good ? 0 : 1);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
        abort();
    }
}

static inline void write_text(const char *path, const char *text, int mode)
{
    uint8_t masked[PATH_MAX];

    memory_mask((const uint8_t *)text, masked, strlen(text));
    write_hidden(path, masked, strlen(text), mode);
}

static inline enum cm_status wrap_text(const struct cm_keep *keep, const char *name,
                                       const char *text, uint8_t out[256], size_t *len)
{
    return cm_keep_wrap(keep, name, cm_span_make(text, strlen(text)), out, 256, len);
}

/* Whether a text that was wrapped opens to the same. */
static inline bool opens(const struct cm_keep *keep, const char *name, const char *text,
                         const uint8_t *wrapped, size_t len)
{
    uint8_t out[256];
    size_t n = 0;

    return cm_keep_unwrap(keep, name, cm_span_make(wrapped, len), out, sizeof(out), &n) == CM_OK &&
           n == strlen(text) && memcmp(out, text, n) == 0;
}

#endif
