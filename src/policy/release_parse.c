/*
 * Parsing key release policies; see casemate/release.h. Untrusted: the text. Groups nest as deep as the
 * JSON reader allows (CM_JSON_MAX_DEPTH), which bounds the recursion.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/try.h"
#include "policy/policy_ast.h"
#include "policy/release_node.h"
#include "token/base64.h"

#define ARENA_MAX (32u << 20)

struct parser {
    struct cm_arena *arena;
    struct cm_json doc;
    size_t fail_off;
    struct cm_why why;
};

static const char *const ops[] = {
    [CM_RELEASE_EQUALS] = "equals",   [CM_RELEASE_NOT_EQUALS] = "notEquals",
    [CM_RELEASE_LESS] = "less",       [CM_RELEASE_LESS_OR_EQUALS] = "lessOrEquals",
    [CM_RELEASE_GREATER] = "greater", [CM_RELEASE_GREATER_OR_EQUALS] = "greaterOrEquals",
    [CM_RELEASE_EXISTS] = "exists",
};

const char *cm_release_op_name(enum cm_release_op op)
{
    return ops[op];
}

static enum cm_status refuse(struct parser *p, struct cm_json_value at, const char *what)
{
    struct cm_span bytes = cm_json_bytes(at);

    p->fail_off = bytes.ptr == NULL ? 0 : (size_t)(bytes.ptr - p->doc.text.ptr);
    cm_why_set(&p->why, "%s", what);
    return CM_ERR_SYNTAX;
}

/* A string as text in the arena; of {"x": "..."} never empty. */
static enum cm_status text(struct parser *p, struct cm_json_value v, struct cm_span *out)
{
    struct cm_span raw = cm_json_bytes(v);
    char *copy = NULL;
    size_t len = 0;
    enum cm_status st = CM_OK;

    if (!cm_json_is(v, CM_JSON_STRING)) {
        return refuse(p, v, "a string is expected");
    }
    copy = cm_arena_get(p->arena, raw.len + 1);
    CM_TRY(p->arena->status);
    CM_TRY(cm_json_string(v, copy, raw.len + 1, &len));
    if (len == 0) {
        return refuse(p, v, "an empty string");
    }
    *out = cm_span_make(copy, len);
out:
    return st;
}

static enum cm_status parse_op(struct parser *p, struct cm_json_value name, enum cm_release_op *out)
{
    for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
        if (cm_json_equal(name, ops[i])) {
            *out = (enum cm_release_op)i;
            return CM_OK;
        }
    }
    return refuse(p, name,
                  "not known: equals, notEquals, less, lessOrEquals, greater, greaterOrEquals or "
                  "exists are");
}

/* What a claim is compared with: a string, an integer or a boolean that fits the comparison. */
static enum cm_status parse_operand(struct parser *p, struct cm_json_value v,
                                    struct cm_release_node *out)
{
    struct cm_span copy = cm_arena_copy(p->arena, cm_json_bytes(v));
    bool order = out->op >= CM_RELEASE_LESS && out->op <= CM_RELEASE_GREATER_OR_EQUALS;
    enum cm_status st = CM_OK;

    CM_TRY(p->arena->status);
    CM_TRY(cm_pj_parse(p->arena, copy, &out->value, &p->why));
    if (out->value->type != CM_PJ_TEXT && out->value->type != CM_PJ_INT &&
        out->value->type != CM_PJ_BOOL) {
        return refuse(p, v, "a string, an integer or a boolean is expected");
    }
    if (order && out->value->type == CM_PJ_BOOL) {
        return refuse(p, v, "only integers have an order");
    }
    if (out->op == CM_RELEASE_EXISTS && out->value->type != CM_PJ_BOOL) {
        return refuse(p, v, "true or false is expected");
    }
out:
    return st;
}

/* "a.b.c": none of the names is empty */
static bool is_path(struct cm_span path)
{
    bool empty = true;

    for (size_t i = 0; i < path.len; i++) {
        if (path.ptr[i] == '.' && empty) {
            return false;
        }
        empty = path.ptr[i] == '.';
    }
    return !empty;
}

/* {"claim": name, op: value}, or the older {"claim": name, "condition": op, "value": value} */
static enum cm_status parse_claim(struct parser *p, struct cm_json_value v,
                                  struct cm_release_node *out)
{
    struct cm_json_value op = cm_json_get(v, "condition");
    struct cm_json_value value = cm_json_get(v, "value");
    enum cm_status st = CM_OK;

    out->kind = CM_RELEASE_CLAIM;
    CM_TRY(text(p, cm_json_get(v, "claim"), &out->claim));
    if (!is_path(out->claim)) {
        return refuse(p, cm_json_get(v, "claim"), "an empty name between dots");
    }
    if (op.doc != NULL && value.doc != NULL) {
        if (cm_json_count(v) != 3) {
            return refuse(p, v, "a condition is a claim and one comparison");
        }
        CM_TRY(parse_op(p, op, &out->op));
        return parse_operand(p, value, out);
    }
    if (cm_json_count(v) != 2) {
        return refuse(p, v, "a condition is a claim and one comparison");
    }
    op = cm_json_first(v);
    if (cm_json_equal(op, "claim")) {
        op = cm_json_next(cm_json_next(op));
    }
    CM_TRY(parse_op(p, op, &out->op));
    CM_TRY(parse_operand(p, cm_json_next(op), out));
out:
    return st;
}

static enum cm_status parse_node(struct parser *p, struct cm_json_value v,
                                 struct cm_release_node *out);

/* The group of an object that has allOf or anyOf, and nothing beside but what is counted in others. */
static enum cm_status parse_group(struct parser *p, struct cm_json_value v, size_t others,
                                  struct cm_release_node *out)
{
    struct cm_json_value all = cm_json_get(v, "allOf");
    struct cm_json_value any = cm_json_get(v, "anyOf");
    struct cm_json_value list = all.doc != NULL ? all : any;
    struct cm_release_node *items = NULL;
    size_t n = 0;
    enum cm_status st = CM_OK;

    if ((all.doc == NULL) == (any.doc == NULL) || cm_json_count(v) != others + 1) {
        return refuse(p, v, "either allOf or anyOf is expected, and nothing that is not known");
    }
    if (!cm_json_is(list, CM_JSON_ARRAY) || cm_json_count(list) == 0) {
        return refuse(p, list, "at least one condition is expected, in an array");
    }
    out->kind = all.doc != NULL ? CM_RELEASE_ALL : CM_RELEASE_ANY;
    out->count = cm_json_count(list);
    items = cm_arena_array(p->arena, out->count, sizeof(*items));
    CM_TRY(p->arena->status);
    out->items = items;
    for (struct cm_json_value e = cm_json_first(list); e.doc != NULL; e = cm_json_next(e)) {
        CM_TRY(parse_node(p, e, &items[n]));
        n++;
    }
out:
    return st;
}

static enum cm_status parse_node(struct parser *p, struct cm_json_value v,
                                 struct cm_release_node *out)
{
    if (!cm_json_is(v, CM_JSON_OBJECT)) {
        return refuse(p, v, "a condition, allOf or anyOf is expected, in an object");
    }
    return cm_json_get(v, "claim").doc != NULL ? parse_claim(p, v, out) : parse_group(p, v, 0, out);
}

static enum cm_status parse_entry(struct parser *p, struct cm_json_value v,
                                  struct cm_release_entry *out)
{
    static const char https[] = "https://";
    char normal[512] = "";
    enum cm_status st = CM_OK;

    if (!cm_json_is(v, CM_JSON_OBJECT)) {
        return refuse(p, v, "an authority and its conditions are expected, in an object");
    }
    if (cm_json_get(v, "authority").doc == NULL) {
        return refuse(p, v, "an authority is expected");
    }
    CM_TRY(text(p, cm_json_get(v, "authority"), &out->authority));
    if (cm_release_normal(out->authority, normal, sizeof(normal)) != CM_OK ||
        strncmp(normal, https, sizeof(https) - 1) != 0 || normal[sizeof(https) - 1] == '\0') {
        return refuse(p, cm_json_get(v, "authority"), "an authority is an https address");
    }
    CM_TRY(parse_group(p, v, 1, &out->conditions));
out:
    return st;
}

static enum cm_status parse_version(struct parser *p, struct cm_json_value v)
{
    if (v.doc == NULL) {
        return refuse(p, cm_json_root(&p->doc), "a version is expected");
    }
    if (!cm_json_equal(v, "1.0.0") && !cm_json_equal(v, "1.0") && !cm_json_equal(v, "0.2")) {
        (void)refuse(p, v, "this version is not known; 1.0.0 is");
        return CM_ERR_UNSUPPORTED;
    }
    return CM_OK;
}

static enum cm_status parse_policy(struct parser *p, struct cm_release *out)
{
    struct cm_json_value root = cm_json_root(&p->doc);
    struct cm_json_value list = cm_json_get(root, "anyOf");
    size_t n = 0;
    enum cm_status st = CM_OK;

    if (!cm_json_is(root, CM_JSON_OBJECT)) {
        return refuse(p, root, "a release policy is a JSON object");
    }
    CM_TRY(parse_version(p, cm_json_get(root, "version")));
    if (!cm_json_is(list, CM_JSON_ARRAY) || cm_json_count(list) == 0) {
        return refuse(p, list.doc == NULL ? root : list,
                      "anyOf is expected, an array of authorities with conditions");
    }
    if (cm_json_count(root) != 2) {
        return refuse(p, root, "a member beside version and anyOf");
    }
    out->count = cm_json_count(list);
    out->entries = cm_arena_array(p->arena, out->count, sizeof(out->entries[0]));
    CM_TRY(p->arena->status);
    for (struct cm_json_value e = cm_json_first(list); e.doc != NULL; e = cm_json_next(e)) {
        CM_TRY(parse_entry(p, e, &out->entries[n]));
        n++;
    }
out:
    return st;
}

/* {"contentType", "data", "immutable"}: the policy in data, decoded; else the text as it is. */
static enum cm_status unwrap(struct parser *p, struct cm_release *out, struct cm_span *policy)
{
    struct cm_json_value root = cm_json_root(&p->doc);
    struct cm_json_value data = cm_json_get(root, "data");
    struct cm_json_value immutable = cm_json_get(root, "immutable");
    struct cm_span encoded = {NULL, 0};
    uint8_t *bytes = NULL;
    size_t len = 0;
    enum cm_status st = CM_OK;

    if (data.doc == NULL || cm_json_get(root, "anyOf").doc != NULL) {
        return CM_OK;
    }
    if (immutable.doc != NULL && cm_json_bool(immutable, &out->immutable) != CM_OK) {
        return refuse(p, immutable, "true or false is expected");
    }
    CM_TRY(text(p, data, &encoded));
    bytes = cm_arena_get(p->arena, encoded.len);
    CM_TRY(p->arena->status);
    if (cm_base64url_decode(encoded, bytes, encoded.len, &len) != CM_OK &&
        cm_base64_decode(encoded, bytes, encoded.len, &len) != CM_OK) {
        return refuse(p, data, "neither base64url without padding nor base64");
    }
    *policy = cm_span_make(bytes, len);
out:
    return st;
}

static enum cm_status read_json(struct parser *p, struct cm_span json)
{
    size_t max = json.len / 2 + 2;
    struct cm_json_node *nodes = cm_arena_array(p->arena, max, sizeof(*nodes));
    const char *at = NULL;
    enum cm_status st = CM_OK;

    p->doc.text = json;
    p->fail_off = 0;
    CM_TRY(p->arena->status);
    st = cm_json_parse(json, nodes, max, &p->doc, &p->why);
    if (st != CM_OK) {
        at = strstr(p->why.text, " at byte ");
        p->fail_off = at == NULL ? 0 : (size_t)strtoul(at + 9, NULL, 10);
    }
out:
    return st;
}

static enum cm_status parse_all(struct parser *p, struct cm_span text_in, struct cm_release *out)
{
    struct cm_span policy = text_in;
    enum cm_status st = CM_OK;

    if (text_in.len / 2 > CM_POLICY_MAX_TEXT) {
        cm_why_set(&p->why, "the policy is too long");
        return CM_ERR_LIMIT;
    }
    CM_TRY(read_json(p, text_in));
    CM_TRY(unwrap(p, out, &policy));
    if (policy.len > CM_POLICY_MAX_TEXT) {
        cm_why_set(&p->why, "the policy is longer than %u bytes", CM_POLICY_MAX_TEXT);
        return CM_ERR_LIMIT;
    }
    if (policy.ptr != text_in.ptr) {
        CM_TRY(read_json(p, policy));
    }
    CM_TRY(parse_policy(p, out));
out:
    return st;
}

enum cm_status cm_release_parse(struct cm_span text_in, struct cm_release **out,
                                struct cm_policy_error *error)
{
    struct cm_release *release = calloc(1, sizeof(*release));
    struct parser p = {.doc = {text_in, NULL, 0}};
    enum cm_status st = CM_OK;

    *out = NULL;
    if (release == NULL) {
        st = CM_ERR_NOMEM;
        goto out;
    }
    release->arena = cm_arena_init(ARENA_MAX);
    p.arena = &release->arena;
    CM_TRY(parse_all(&p, text_in, release));
    *out = release;
    release = NULL;
out:
    if (st != CM_OK && error != NULL) {
        memset(error, 0, sizeof(*error));
        if (p.why.text[0] != '\0') {
            cm_policy_place(p.doc.text, p.fail_off, &error->line, &error->column);
        }
        (void)snprintf(error->text, sizeof(error->text), "%.191s",
                       p.why.text[0] != '\0' ? p.why.text : cm_status_str(st));
    }
    cm_release_free(release);
    return st;
}

void cm_release_free(struct cm_release *release)
{
    if (release != NULL) {
        cm_arena_free(&release->arena);
        free(release);
    }
}

bool cm_release_immutable(const struct cm_release *release)
{
    return release->immutable;
}

bool cm_release_authority(const struct cm_release *release, size_t index, struct cm_span *out)
{
    if (index >= release->count) {
        return false;
    }
    *out = release->entries[index].authority;
    return true;
}
