/*
 * `casemate new NAME`: a project from the templates. The folder is filled under another name and
 * renamed last, so that a failure leaves nothing behind and an existing folder is never touched.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/cli_templates.h"
#include "common/try.h"
#include "os/os.h"

#define NAME_MAX_LEN 32U
#define MARK         "@NAME@"
#define MARK_LEN     (sizeof(MARK) - 1)
#define TEXT_CAP     16384U
#define PATH_CAP     4096U

/* words that C or the templates use themselves */
static const char *const reserved[] = {
    "auto",   "break",  "case",    "char",   "const",    "continue", "default", "do",
    "double", "else",   "enum",    "extern", "float",    "for",      "goto",    "if",
    "inline", "int",    "long",    "main",   "register", "restrict", "return",  "short",
    "signed", "sizeof", "static",  "struct", "switch",   "typedef",  "union",   "unsigned",
    "void",   "while",  "enclave", "host",   "run",      "test",     "install", "all",
    "clean",  "help",   "package", "build"};

static enum cm_status check_name(const char *name, struct cm_why *why)
{
    size_t n = strlen(name);

    if (n == 0 || n > NAME_MAX_LEN || name[0] < 'a' || name[0] > 'z') {
        cm_why_set(why, "a name has 1 to 32 of a-z, 0-9 and '_' and begins with a letter, because "
                        "it becomes part of C names");
        return CM_ERR_PARAM;
    }
    for (size_t i = 0; i < n; i++) {
        if (!((name[i] >= 'a' && name[i] <= 'z') || (name[i] >= '0' && name[i] <= '9') ||
              name[i] == '_')) {
            cm_why_set(why,
                       "'%c' cannot stand in a name: only a-z, 0-9 and '_' can, because it "
                       "becomes part of C names",
                       isprint((unsigned char)name[i]) ? name[i] : '?');
            return CM_ERR_PARAM;
        }
    }
    for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
        if (strcmp(name, reserved[i]) == 0) {
            cm_why_set(why, "'%s' has a meaning of its own in C or in the build; take another name",
                       name);
            return CM_ERR_PARAM;
        }
    }
    return CM_OK;
}

/* text with every @NAME@ replaced; CM_ERR_SPACE when it does not fit */
static enum cm_status fill(const char *text, size_t len, const char *name, char *out, size_t cap)
{
    size_t used = 0;
    size_t name_len = strlen(name);

    while (len != 0) {
        bool mark = len >= MARK_LEN && memcmp(text, MARK, MARK_LEN) == 0;
        const char *from = mark ? name : text;
        size_t n = mark ? name_len : 1;
        size_t step = mark ? MARK_LEN : 1;

        if (used + n >= cap) {
            return CM_ERR_SPACE;
        }
        memcpy(out + used, from, n);
        used += n;
        text += step;
        len -= step;
    }
    out[used] = '\0';
    return CM_OK;
}

/* DIR/PATH with only the first n characters of path */
static enum cm_status join(const char *dir, const char *path, size_t n, char out[PATH_CAP])
{
    int len = snprintf(out, PATH_CAP, "%s/%.*s", dir, (int)n, path);

    return len > 0 && (size_t)len < PATH_CAP ? CM_OK : CM_ERR_LIMIT;
}

static enum cm_status make_parents(const char *dir, const char *path, struct cm_why *why)
{
    char full[PATH_CAP];
    const char *slash = strchr(path, '/');

    if (slash == NULL) {
        return CM_OK;
    }
    if (join(dir, path, (size_t)(slash - path), full) != CM_OK) {
        return CM_ERR_LIMIT;
    }
    if (mkdir(full, 0777) != 0 && errno != EEXIST) {
        cm_why_set(why, "%s: %s", full, strerror(errno));
        return CM_ERR_IO;
    }
    return CM_OK;
}

static enum cm_status write_one(const char *dir, const struct cm_template *t, const char *name,
                                char *text, struct cm_why *why)
{
    char path[256];
    char full[PATH_CAP];
    enum cm_status st = CM_OK;

    CM_TRY(fill(t->path, strlen(t->path), name, path, sizeof(path)));
    CM_TRY(fill(t->text, t->len, name, text, TEXT_CAP));
    CM_TRY(make_parents(dir, path, why));
    CM_TRY(join(dir, path, strlen(path), full));
    CM_TRY(cm_file_write_atomic(full, cm_span_make(text, strlen(text)), 0644, why));
out:
    return st;
}

/* what write_one made, files first; folders that are not empty stay */
static void remove_all(const char *dir, const char *name)
{
    char path[256];
    char full[PATH_CAP];

    for (size_t i = 0; i < cm_template_count; i++) {
        const struct cm_template *t = &cm_templates[i];
        const char *slash = NULL;

        if (fill(t->path, strlen(t->path), name, path, sizeof(path)) != CM_OK ||
            join(dir, path, strlen(path), full) != CM_OK) {
            continue;
        }
        (void)unlink(full);
        slash = strchr(path, '/');
        if (slash != NULL && join(dir, path, (size_t)(slash - path), full) == CM_OK) {
            (void)rmdir(full);
        }
    }
    (void)rmdir(dir);
}

static enum cm_status write_all(const char *dir, const char *name, struct cm_why *why)
{
    char *text = malloc(TEXT_CAP);
    enum cm_status st = text == NULL ? CM_ERR_NOMEM : CM_OK;

    for (size_t i = 0; i < cm_template_count && st == CM_OK; i++) {
        st = write_one(dir, &cm_templates[i], name, text, why);
    }
    free(text);
    return st;
}

enum cm_status cm_cli_new(const char *dir, const char *name, FILE *out, struct cm_why *why)
{
    char temporary[PATH_CAP];
    char target[PATH_CAP];
    enum cm_status st = check_name(name, why);

    if (st != CM_OK) {
        return st;
    }
    if (snprintf(target, sizeof(target), "%s/%s", dir, name) >= (int)sizeof(target) ||
        snprintf(temporary, sizeof(temporary), "%s/.%s.XXXXXX", dir, name) >=
            (int)sizeof(temporary)) {
        return CM_ERR_LIMIT;
    }
    if (access(target, F_OK) == 0) {
        cm_why_set(why, "%s is there already; nothing was changed", target);
        return CM_ERR_EXISTS;
    }
    if (mkdtemp(temporary) == NULL) {
        cm_why_set(why, "%s: %s", dir, strerror(errno));
        return CM_ERR_IO;
    }
    st = write_all(temporary, name, why);
    if (st == CM_OK && chmod(temporary, 0755) != 0) {
        st = CM_ERR_IO;
    }
    if (st == CM_OK && renameat2(AT_FDCWD, temporary, AT_FDCWD, target, RENAME_NOREPLACE) != 0) {
        cm_why_set(why, "%s: %s", target, strerror(errno));
        st = errno == EEXIST ? CM_ERR_EXISTS : CM_ERR_IO;
    }
    if (st != CM_OK) {
        remove_all(temporary, name);
        return st;
    }
    (void)fprintf(out,
                  "made %s\n\nnext:\n  cd %s\n  cmake -B build && cmake --build build\n"
                  "  cmake --build build --target run\n",
                  target, target);
    return CM_OK;
}
