/* EDL text from the disk, and generated files to it: all written first, then all named. */
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
    files[set->count].draft.fd = -1;
    files[set->count].path = path;
    files[set->count].text = text;
    files[set->count].len = len;
    set->count++;
    return CM_OK;
}

/* the set takes path over */
static enum cm_status keep_folder(struct cm_edl_output_set *set, char *path)
{
    char **folders = realloc(set->folders, (set->folder_count + 1) * sizeof(*folders));

    if (folders == NULL) {
        (void)rmdir(path);
        free(path);
        return CM_ERR_NOMEM;
    }
    set->folders = folders;
    set->folders[set->folder_count++] = path;
    return CM_OK;
}

static enum cm_status make_folder(struct cm_edl_output_set *set, const char *path,
                                  struct cm_why *why)
{
    char *own = strdup(path);

    if (own == NULL) {
        return CM_ERR_NOMEM;
    }
    if (mkdir(path, 0777) == 0) {
        return keep_folder(set, own);
    }
    free(own);
    if (errno == EEXIST) {
        return CM_OK;
    }
    cm_why_set(why, "cannot create the folder %s: %s", path, strerror(errno));
    return CM_ERR_IO;
}

enum cm_status cm_edl_make_dirs(struct cm_edl_output_set *set, const char *dir, struct cm_why *why)
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
        st = make_folder(set, path, why);
        path[i] = c;
    }
    free(path);
    return st;
}

/* Whether a file can be put in the place of what is there; a folder cannot be replaced. */
static enum cm_status look_at_target(struct cm_edl_output_file *f, struct cm_why *why)
{
    struct stat sb;

    f->made = lstat(f->path, &sb) != 0 && errno == ENOENT;
    if (!f->made && S_ISDIR(sb.st_mode)) {
        cm_why_set(why, "cannot write %s: it is a folder", f->path);
        return CM_ERR_IO;
    }
    return CM_OK;
}

enum cm_status cm_edl_set_write(struct cm_edl_output_set *set, struct cm_why *why)
{
    enum cm_status st = CM_OK;
    size_t named = 0;

    for (size_t i = 0; i < set->count; i++) {
        struct cm_edl_output_file *f = &set->files[i];

        CM_TRY(cm_draft_write(&f->draft, f->path, cm_span_make(f->text, f->len), 0666, why));
    }
    for (size_t i = 0; i < set->count; i++) {
        CM_TRY(look_at_target(&set->files[i], why));
    }
    for (; named < set->count; named++) {
        CM_TRY(cm_draft_publish(&set->files[named].draft, true, why));
    }
out:
    for (size_t i = named; i < set->count; i++) {
        set->files[i].made = false;
    }
    return st;
}

void cm_edl_set_undo(struct cm_edl_output_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        struct cm_edl_output_file *f = &set->files[i];

        cm_draft_drop(&f->draft);
        if (f->made) {
            (void)unlink(f->path);
        }
    }
    for (size_t i = set->folder_count; i-- > 0;) {
        (void)rmdir(set->folders[i]); /* not when somebody else uses it by now */
    }
}

void cm_edl_set_free(struct cm_edl_output_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        struct cm_edl_output_file *f = &set->files[i];

        cm_draft_drop(&f->draft);
        free(f->path);
        free(f->text);
    }
    for (size_t i = 0; i < set->folder_count; i++) {
        free(set->folders[i]);
    }
    free(set->folders);
    free(set->files);
    memset(set, 0, sizeof(*set));
}
