/* The root key in a file of its own, 32 bytes and nothing else; see keep.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/try.h"
#include "common/wipe.h"
#include "crypto/keyenc.h"
#include "keep/keep_root.h"
#include "os/os.h"

static enum cm_status find_file(const char *path, const struct cm_root_note *note,
                                struct cm_root *root, struct cm_why *why)
{
    uint8_t *bytes = NULL;
    size_t len = 0;
    enum cm_status st = CM_OK;

    if (note->len != 0) {
        cm_why_set(why, "the store's record of its root key is malformed");
        return CM_ERR_FORMAT;
    }
    CM_TRY(cm_file_read_private(path, CM_ROOT_SIZE, &bytes, &len, why));
    if (len != CM_ROOT_SIZE) {
        cm_why_set(why, "%s: a root key has %u bytes, not %zu", path, CM_ROOT_SIZE, len);
        st = CM_ERR_FORMAT;
        goto out;
    }
    memcpy(root->key, bytes, CM_ROOT_SIZE);
    (void)snprintf(root->says, sizeof(root->says), "the file %s", path);
out:
    cm_wipe(bytes, len);
    free(bytes);
    return st;
}

/* Whose file comes first is everybody's: two instances may start at once. */
static enum cm_status make_file(const char *path, struct cm_root_note *note, struct cm_root *root,
                                struct cm_why *why)
{
    uint8_t fresh[CM_ROOT_SIZE] = {0};
    enum cm_status st = CM_OK;

    note->len = 0;
    CM_TRY(cm_random_bytes(fresh, sizeof(fresh)));
    CM_TRY(cm_file_create_once(path, cm_span_make(fresh, sizeof(fresh)), 0600, why));
    CM_TRY(find_file(path, note, root, why));
out:
    cm_wipe(fresh, sizeof(fresh));
    return st;
}

const struct cm_root_way cm_root_file = {
    .scheme = "file", .number = 1, .says = "a file", .make = make_file, .find = find_file};
