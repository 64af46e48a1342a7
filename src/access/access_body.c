/* See access_body.h. */
#include "access/access_body.h"

#include <stdlib.h>
#include <string.h>

#include "common/wipe.h"

json_t *cm_access_body(struct cm_call *call, const char *const *names)
{
    struct cm_why why = {""};
    json_t *body = cm_call_json(call);
    enum cm_status st = CM_OK;

    if (body == NULL) {
        return NULL;
    }
    st = cm_json_only(body, "the request", names, &why);
    if (st != CM_OK) {
        cm_call_fail_status(call, st, &why);
        return NULL;
    }
    return body;
}

const char *cm_access_text(const json_t *body, const char *name)
{
    const json_t *v = json_object_get(body, name);
    const char *text = json_string_value(v);

    return text != NULL && strlen(text) == json_string_length(v) ? text : NULL;
}

void cm_access_wipe_text(const json_t *body, const char *name)
{
    const json_t *v = json_object_get(body, name);
    const char *text = json_string_value(v);
    char *writable = NULL;

    if (text != NULL) {
        memcpy(&writable, &text,
               sizeof(text)); /* the body is ours: only jansson's type says const */
        cm_wipe(writable, json_string_length(v));
    }
}

bool cm_access_number(struct cm_call *call, const char *name, uint64_t *out)
{
    const char *text = cm_web_query(call->req, name);
    const size_t digits = text == NULL ? 0 : strspn(text, "0123456789");

    if (text == NULL) {
        return true;
    }
    if (digits == 0 || digits > 18 || text[digits] != '\0') {
        cm_call_fail(call, 400, "InvalidParameter", "%s is a number", name);
        return false;
    }
    *out = strtoull(text, NULL, 10);
    return true;
}

bool cm_access_limit(struct cm_call *call, unsigned *out)
{
    uint64_t n = 50;

    if (!cm_access_number(call, "limit", &n)) {
        return false;
    }
    if (n < 1 || n > 200) {
        cm_call_fail(call, 400, "InvalidParameter", "limit is a number from 1 to 200");
        return false;
    }
    *out = (unsigned)n;
    return true;
}
