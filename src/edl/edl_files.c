/* EDL text from the disk, and generated files to it: temporary names first, then renames. */
#include "edl/edl_files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/try.h"
#include "edl/edl.h"
#include "os/os.h"

static enum cm_status read_disk(void *ctx, struct cm_edl_arena *arena, const char *path,
                                const char **text, size_t *len)
{
    enum cm_status st = CM_OK;
    uint8_t *data = NULL;
    char *copy = NULL;
    size_t n = 0;

    (void)ctx;
    CM_TRY(cm_file_read(path, CM_EDL_MAX_FILE_SIZE, &data, &n, NULL));
    copy = cm_edl_copy_text(arena, (const char *)data, n);
    if (copy == NULL) {
        st = CM_ERR_NOMEM;
        goto out;
    }
    *text = copy;
    *len = n;
out:
    free(data);
    return st;
}

struct cm_edl_source cm_edl_disk_source(void)
{
    struct cm_edl_source s = {read_disk, NULL};

    return s;
}

enum cm_status cm_edl_set_add(struct cm_edl_output_set *set, const char *dir, const char *name,
                              char *text, size_t len)
{
    struct cm_edl_output_file *files = NULL;
    size_t n = strlen(dir) + strlen(name) + 2;
    char *path = malloc(n);
    bool bare = strcmp(dir, ".") == 0 || dir[0] == '\0';

    if (path == NULL) {
        free(text);
        return CM_ERR_NOMEM;
    }
    (void)snprintf(path, n, "%s%s%s", bare ? "" : dir, bare ? "" : "/", name);
    for (size_t i = 0; i < set->count; i++) {
        if (strcmp(set->files[i].path, path) == 0) {
            free(path);
            free(text);
            return CM_ERR_EXISTS;
        }
    }
    files = realloc(set->files, (set->count + 1) * sizeof(*files));
    if (files == NULL) {
        free(path);
        free(text);
        return CM_ERR_NOMEM;
    }
    set->files = files;
    memset(&files[set->count], 0, sizeof(*files));
    files[set->count].path = path;
    files[set->count].text = text;
    files[set->count].len = len;
    set->count++;
    return CM_OK;
}

enum cm_status cm_edl_make_dirs(const char *dir, struct cm_why *why)
{
    enum cm_status st = CM_OK;
    size_t n = strlen(dir);
    char *path = malloc(n + 1);

    if (path == NULL) {
        return CM_ERR_NOMEM;
    }
    memcpy(path, dir, n + 1);
    for (size_t i = 1; i <= n && st == CM_OK; i++) {
        char c = path[i];

        if (c != '/' && c != '\0') {
            continue;
        }
        path[i] = '\0';
        if (mkdir(path, 0777) != 0 && errno != EEXIST) {
            cm_why_set(why, "cannot create the folder %s: %s", path, strerror(errno));
            st = CM_ERR_IO;
        }
        path[i] = c;
    }
    free(path);
    return st;
}

static enum cm_status write_temp(struct cm_edl_output_file *f, struct cm_why *why)
{
    size_t n = strlen(f->path) + sizeof(".XXXXXX");
    enum cm_status st = CM_OK;
    mode_t mask = 0;
    int fd = -1;

    f->temp = malloc(n);
    if (f->temp == NULL) {
        return CM_ERR_NOMEM;
    }
    (void)snprintf(f->temp, n, "%s.XXXXXX", f->path);
    fd = mkstemp(f->temp);
    if (fd < 0) {
        cm_why_set(why, "cannot write %s: %s", f->path, strerror(errno));
        free(f->temp);
        f->temp = NULL;
        return CM_ERR_IO;
    }
    for (size_t done = 0; done < f->len && st == CM_OK;) {
        ssize_t got = write(fd, f->text + done, f->len - done);

        if (got >= 0) {
            done += (size_t)got;
        } else if (errno != EINTR) {
            cm_why_set(why, "cannot write %s: %s", f->path, strerror(errno));
            st = CM_ERR_IO;
        }
    }
    mask = umask(0);
    (void)umask(mask);
    if (fchmod(fd, 0666 & ~mask) != 0 || close(fd) != 0) {
        cm_why_set(why, "cannot finish %s: %s", f->path, strerror(errno));
        st = CM_ERR_IO;
    }
    return st;
}

enum cm_status cm_edl_set_write(struct cm_edl_output_set *set, struct cm_why *why)
{
    enum cm_status st = CM_OK;

    for (size_t i = 0; i < set->count; i++) {
        CM_TRY(write_temp(&set->files[i], why));
    }
    for (size_t i = 0; i < set->count; i++) {
        struct cm_edl_output_file *f = &set->files[i];

        if (rename(f->temp, f->path) != 0) {
            cm_why_set(why, "cannot write %s: %s", f->path, strerror(errno));
            st = CM_ERR_IO;
            goto out;
        }
        free(f->temp);
        f->temp = NULL;
    }
out:
    return st;
}

void cm_edl_set_free(struct cm_edl_output_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        struct cm_edl_output_file *f = &set->files[i];

        if (f->temp != NULL) {
            (void)unlink(f->temp);
        }
        free(f->temp);
        free(f->path);
        free(f->text);
    }
    free(set->files);
    memset(set, 0, sizeof(*set));
}
