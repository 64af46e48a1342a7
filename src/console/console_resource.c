/* The key broker's resources for the dashboard: where they are and how large, never what they hold. */
#include <string.h>

#include "console/console_private.h"

#define RESOURCE_KIND 2 /* of vault_release: CM_VAULT_RESOURCE */

struct listing {
    json_t *items;
    unsigned limit;
    bool more;
    char last[1024];
};

static bool on_resource(void *arg, const struct cm_db_value *c, size_t count)
{
    struct listing *l = arg;
    const bool asked = count == 6 && c[5].type == CM_DB_INT;

    if (count != 6 || c[0].type != CM_DB_TEXT) {
        return false;
    }
    if (json_array_size(l->items) == l->limit) {
        l->more = true;
        return false;
    }
    (void)snprintf(l->last, sizeof(l->last), "%s", (const char *)c[0].bytes.ptr);
    (void)json_array_append_new(
        l->items,
        json_pack("{ss sI sI sI sI sI so}", "path", l->last, "bytes", (json_int_t)c[1].number,
                  "created_at", (json_int_t)c[2].number, "updated_at", (json_int_t)c[2].number,
                  "released", (json_int_t)c[3].number, "withheld", (json_int_t)c[4].number,
                  "last_release", asked ? json_integer((json_int_t)c[5].number) : json_null()));
    return true;
}

void cm_console_resources(struct cm_call *call, void *state)
{
    const char *after = cm_web_query(call->req, "cursor");
    struct listing l = {.items = NULL};
    struct cm_db_value values[3];
    struct cm_why why = {""};
    enum cm_status st = CM_OK;

    (void)state;
    if (!cm_access_limit(call, &l.limit)) {
        return;
    }
    l.items = json_array();
    values[0] = cm_db_int(RESOURCE_KIND);
    values[1] = cm_db_text(after == NULL ? "" : after);
    values[2] = cm_db_int((int64_t)l.limit + 1);
    st = cm_db_run(call->db,
                   "SELECT r.path, r.size, r.time,"
                   " COUNT(CASE WHEN v.released = 1 THEN 1 END),"
                   " COUNT(CASE WHEN v.released = 0 THEN 1 END),"
                   " MAX(CASE WHEN v.released = 1 THEN v.time END)"
                   " FROM kbs_resource r LEFT JOIN vault_release v"
                   " ON v.kind = ? AND v.name = r.path WHERE r.path > ?"
                   " GROUP BY r.path, r.size, r.time ORDER BY r.path LIMIT ?",
                   cm_db_with(values, 3), cm_db_into(on_resource, &l), &why);
    cm_console_answer(
        call, st, json_pack("{so ss?}", "items", l.items, "next", l.more ? l.last : NULL), &why);
}
