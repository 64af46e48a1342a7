/* See access_export.h. */
#include "access/access_export.h"

#include <stdlib.h>
#include <string.h>

#include "common/hex.h"
#include "common/try.h"

json_t *cm_audit_json(const struct cm_audit_record *r)
{
    char hash[2 * CM_AUDIT_HASH + 1] = "";
    json_t *detail = json_loads(r->detail, 0, NULL); /* what is none is null */

    cm_hex_encode(cm_span_make(r->hash, CM_AUDIT_HASH), CM_HEX_LOWER, hash);
    return json_pack("{sI sI ss ss ss so? ss}", "seq", (json_int_t)r->seq, "time",
                     (json_int_t)r->time, "actor", r->actor, "action", r->action, "object",
                     r->object, "detail", detail, "hash", hash);
}

struct exporting {
    FILE *to;
    size_t used;
    size_t max;
    enum cm_status st;
};

static bool export_record(void *arg, const struct cm_audit_record *r)
{
    struct exporting *e = arg;
    json_t *json = cm_audit_json(r);
    char *text = json == NULL ? NULL : json_dumps(json, JSON_COMPACT);

    json_decref(json);
    if (text == NULL) {
        e->st = CM_ERR_NOMEM;
        return false;
    }
    e->used += strlen(text) + 1;
    if (fputs(text, e->to) == EOF || fputc('\n', e->to) == EOF) {
        e->st = CM_ERR_IO;
    }
    free(text);
    return e->st == CM_OK && e->used < e->max;
}

enum cm_status cm_audit_export(struct cm_db *db, int64_t after, size_t max, FILE *to,
                               struct cm_why *why)
{
    struct exporting e = {.to = to, .max = max};
    enum cm_status st = CM_OK;

    CM_TRY(cm_audit_read(db, after, export_record, &e, why));
    st = e.st;
    if (st == CM_ERR_IO) {
        cm_why_set(why, "the records cannot be written");
    }
out:
    return st;
}
