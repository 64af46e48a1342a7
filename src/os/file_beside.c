/* A file that another one names, in the same folder; see os.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "os/os.h"

/* Where descriptors have names: an image that is in memory is opened there, and nothing is beside it. */
static bool is_in_memory(const char *path)
{
    return strncmp(path, "/proc/", 6) == 0 || strncmp(path, "/dev/fd/", 8) == 0;
}

enum cm_status cm_file_read_beside(const char *path, struct cm_span name, size_t max, uint8_t **out,
                                   size_t *out_len, struct cm_why *why)
{
    enum cm_status st = CM_OK;
    const char *slash = strrchr(path, '/');
    const size_t folder = slash == NULL ? 0 : (size_t)(slash + 1 - path);
    char *beside = NULL;
    struct cm_why inner = {{0}};

    if (name.len == 0 || memchr(name.ptr, '/', name.len) != NULL ||
        memchr(name.ptr, '\0', name.len) != NULL) {
        return CM_ERR_PARAM;
    }
    if (is_in_memory(path)) {
        cm_why_set(why,
                   "%s needs the file %.*s beside it, and is in memory, where there is no folder: "
                   "write both into one",
                   path, (int)name.len, (const char *)name.ptr);
        return CM_ERR_UNSUPPORTED;
    }
    beside = malloc(folder + name.len + 1);
    if (beside == NULL) {
        return CM_ERR_NOMEM;
    }
    memcpy(beside, path, folder);
    memcpy(beside + folder, name.ptr, name.len);
    beside[folder + name.len] = '\0';
    st = cm_file_read(beside, max, out, out_len, &inner);
    if (st != CM_OK) {
        cm_why_set(why, "%s (needed beside %s)", inner.text, path);
    }
    free(beside);
    return st;
}
