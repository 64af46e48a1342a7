/* Writing collateral as a folder or a bundle; see collateral_files.h. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "collateral/collateral_files.h"
#include "common/hex.h"
#include "common/try.h"
#include "os/os.h"
#include "token/json.h"

#define DER_SEQUENCE 0x30

static enum cm_status to_folder(const struct cm_collateral_parts *parts, const char *dir,
                                struct cm_why *why)
{
    enum cm_status st = CM_OK;

    for (unsigned i = 0; i < CM_PART_COUNT && st == CM_OK; i++) {
        const enum cm_collateral_part part = (enum cm_collateral_part)i;
        struct cm_span data = cm_parts_get(parts, part);
        char path[4096] = "";
        int n = snprintf(path, sizeof(path), "%s/%s", dir, cm_part_file(part));

        if (n < 0 || (size_t)n >= sizeof(path)) {
            cm_why_set(why, "the folder's name is too long");
            return CM_ERR_PARAM;
        }
        if (data.ptr != NULL) {
            st = cm_file_write_atomic(path, data, 0644, why);
        }
    }
    return st;
}

/* DER becomes hexadecimal, everything else is text already. */
static enum cm_status add_member(struct cm_json_wr *w, enum cm_collateral_part part,
                                 struct cm_span data)
{
    char *hex = NULL;

    cm_json_wr_name(w, cm_part_name(part));
    if (data.ptr[0] != DER_SEQUENCE) {
        cm_json_wr_text(w, data);
        return CM_OK;
    }
    hex = malloc(2 * data.len + 1);
    if (hex == NULL) {
        return CM_ERR_NOMEM;
    }
    cm_hex_encode(data, CM_HEX_LOWER, hex);
    cm_json_wr_text(w, cm_span_make(hex, 2 * data.len));
    free(hex);
    return CM_OK;
}

static enum cm_status add_members(struct cm_json_wr *w, const struct cm_collateral_parts *parts)
{
    enum cm_status st = CM_OK;

    cm_json_wr_object(w);
    for (unsigned i = 0; i < CM_PART_COUNT && st == CM_OK; i++) {
        struct cm_span data = cm_parts_get(parts, (enum cm_collateral_part)i);

        if (data.ptr != NULL) {
            st = add_member(w, (enum cm_collateral_part)i, data);
        }
    }
    cm_json_wr_end(w);
    return st;
}

static enum cm_status to_bundle(const struct cm_collateral_parts *parts, const char *path,
                                struct cm_why *why)
{
    enum { ESCAPED = 6, NAMES = 64 }; /* the longest escape of a byte; a member's name and marks */
    size_t cap = 16;
    struct cm_json_wr w;
    char *text = NULL;
    size_t len = 0;
    enum cm_status st = CM_OK;

    for (unsigned i = 0; i < CM_PART_COUNT; i++) { /* parts are bounded, so the sum is, too */
        cap += cm_parts_get(parts, (enum cm_collateral_part)i).len * ESCAPED + NAMES;
    }
    text = malloc(cap);
    if (text == NULL) {
        return CM_ERR_NOMEM;
    }
    w = cm_json_wr_init(text, cap - 1);
    CM_TRY(add_members(&w, parts));
    if (cm_json_wr_finish(&w, &len) != CM_OK) {
        cm_why_set(why, "%s: a part of the collateral is not UTF-8 text", path);
        st = CM_ERR_FORMAT;
        goto out;
    }
    text[len] = '\n';
    CM_TRY(cm_file_write_atomic(path, cm_span_make(text, len + 1), 0644, why));
out:
    free(text);
    return st;
}

enum cm_status cm_parts_save(const struct cm_collateral_parts *parts, const char *path,
                             struct cm_why *why)
{
    struct stat sb;

    if (stat(path, &sb) == 0 && S_ISDIR(sb.st_mode)) {
        return to_folder(parts, path, why);
    }
    return to_bundle(parts, path, why);
}
