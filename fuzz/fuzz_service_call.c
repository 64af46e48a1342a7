/*
 * A request's path and body on their way to a handler: a method (one byte), the path as it is sent, LF, the
 * body. Whatever comes, parameters are pieces of the decoded path, and a body is bounded JSON or refused.
 */
#include <stdlib.h>
#include <string.h>

#include "service/service_private.h"
#include "web/web_private.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void serve(struct cm_call *call, void *state)
{
    (void)call;
    (void)state;
}

static const struct cm_route table[] = {
    {.methods = CM_WEB_GET, .path = "/", .serve = serve},
    {.methods = CM_WEB_POST, .path = "/attest/{type}", .serve = serve},
    {.methods = CM_WEB_GET | CM_WEB_PUT, .path = "/policies/{type}", .serve = serve},
    {.methods = CM_WEB_POST, .path = "/policies/{type}:reset", .serve = serve},
    {.methods = CM_WEB_POST, .path = "/keys/{name}/create", .serve = serve},
    {.methods = CM_WEB_GET | CM_WEB_PATCH, .path = "/keys/{name}/{version}", .serve = serve},
    {.methods = CM_WEB_GET, .path = "/kbs/v0/resource/{repo}/{type}/{tag}", .serve = serve},
    {.methods = CM_WEB_GET, .path = "/assets/{path...}", .serve = serve},
};
#define ROUTES (sizeof(table) / sizeof(table[0]))

static void need(bool good)
{
    if (!good) {
        abort();
    }
}

static int order(const void *a, const void *b)
{
    return cm_route_compare(a, b);
}

static struct service_route *routes(void)
{
    static struct service_route all[ROUTES];
    static bool made;

    for (size_t i = 0; i < ROUTES && !made; i++) {
        need(cm_route_parse(&table[i], &all[i], NULL) == CM_OK);
    }
    if (!made) {
        qsort(all, ROUTES, sizeof(all[0]), order);
    }
    made = true;
    return all;
}

static void try_path(unsigned method, const char *raw)
{
    char path[MAX_PATH] = "";
    char cut[MAX_PATH] = "";
    struct service_match match;
    struct cm_call_param params[MAX_PARAMS];
    size_t count = 0;

    if (!cm_web_plain_path(raw, path)) {
        return;
    }
    need(path[0] == '/' && strstr(path, "/../") == NULL && strstr(path, "//") == NULL);
    cm_route_match(routes(), ROUTES, method, path, &match);
    if (match.found == NULL) {
        return;
    }
    need((match.found->route->methods & method) != 0 && (match.methods & method) != 0);
    memcpy(cut, path, sizeof(cut));
    count = cm_route_params(match.found, cut, params);
    for (size_t i = 0; i < count; i++) {
        const size_t at = (size_t)(params[i].value - cut);
        const size_t len = strlen(params[i].value);
        const bool rest = strcmp(match.found->route->path, "/assets/{path...}") == 0;

        need(at < sizeof(cut) && len != 0 && memcmp(path + at, params[i].value, len) == 0);
        need(rest || strchr(params[i].value, '/') == NULL);
    }
}

static size_t depth_of(json_t *value)
{
    size_t deepest = 0;
    const char *name = NULL;
    json_t *member = NULL;
    size_t i = 0;

    json_object_foreach(value, name, member)
    {
        const size_t depth = depth_of(member);

        deepest = depth > deepest ? depth : deepest;
    }
    json_array_foreach(value, i, member)
    {
        const size_t depth = depth_of(member);

        deepest = depth > deepest ? depth : deepest;
    }
    return json_is_object(value) || json_is_array(value) ? deepest + 1 : 0;
}

static void try_body(struct cm_span body)
{
    struct cm_why why = {""};
    json_t *value = cm_service_json(body, &why);
    char *text = NULL;
    json_t *again = NULL;

    need((value != NULL) == (why.text[0] == '\0'));
    if (value == NULL) {
        return;
    }
    need(json_is_object(value) && depth_of(value) <= 32);
    again = json_loadb((const char *)body.ptr, body.len, JSON_REJECT_DUPLICATES, NULL);
    need(again != NULL &&
         json_equal(value, again)); /* jansson's own reader takes it for the same */
    json_decref(again);
    text = json_dumps(value, JSON_COMPACT);
    need(text != NULL);
    again = cm_service_json(cm_span_make(text, strlen(text)), NULL);
    need(again != NULL && json_equal(value, again));
    free(text);
    json_decref(again);
    json_decref(value);
}

static void try_quote(const char *text)
{
    char quoted[256] = "";
    const size_t len = cm_service_quote(quoted, sizeof(quoted), text);
    json_t *value = json_loadb(quoted, len, JSON_DECODE_ANY, NULL);

    need(len < sizeof(quoted) && value != NULL);
    json_decref(value);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    const unsigned char *end = size < 2 ? NULL : memchr(data + 1, '\n', size - 1);
    char *raw = NULL;

    if (end == NULL) {
        return 0;
    }
    raw = strndup((const char *)data + 1, (size_t)(end - data) - 1);
    if (raw != NULL) {
        try_path(1u << (data[0] % 6), raw);
        try_quote(raw);
        try_body(cm_span_make(end + 1, size - (size_t)(end + 1 - data)));
    }
    free(raw);
    return 0;
}
