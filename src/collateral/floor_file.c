/* Floors between runs; see floor_file.h. Untrusted: the file's form, not its content. */
#include "collateral/floor_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/try.h"
#include "os/os.h"
#include "token/json.h"

#define FILE_MAX   (1u << 20)
#define NODES_MAX  (2u * CM_FLOORS_MAX + 8u)
#define ENTRY_TEXT 160u /* a member with its name, number and marks */

struct cm_floor_file {
    char path[4096];
    int lock;
    struct cm_floor *floors;
    size_t count;
    size_t cap;
};

/* The entry of a name, added with value 0 when there is none; NULL: no memory, or too many. */
static struct cm_floor *entry(struct cm_floor_file *f, const char *name)
{
    struct cm_floor *more = NULL;

    for (size_t i = 0; i < f->count; i++) {
        if (strcmp(f->floors[i].name, name) == 0) {
            return &f->floors[i];
        }
    }
    if (f->count == CM_FLOORS_MAX) {
        return NULL;
    }
    if (f->count == f->cap) {
        size_t cap = f->cap == 0 ? 16 : 2 * f->cap;

        more = realloc(f->floors, cap * sizeof(*more));
        if (more == NULL) {
            return NULL;
        }
        f->floors = more;
        f->cap = cap;
    }
    more = &f->floors[f->count++];
    memset(more, 0, sizeof(*more));
    (void)snprintf(more->name, sizeof(more->name), "%s", name);
    return more;
}

static enum cm_status parse(struct cm_floor_file *f, struct cm_json_value root)
{
    struct cm_json_value name = {NULL, 0};
    uint64_t version = 0;
    enum cm_status st = CM_ERR_FORMAT;

    if (cm_json_u64(cm_json_get(root, "version"), &version) != CM_OK || version != 1 ||
        cm_json_count(root) != 2 || !cm_json_is(cm_json_get(root, "floors"), CM_JSON_OBJECT)) {
        return st;
    }
    name = cm_json_first(cm_json_get(root, "floors"));
    for (; name.doc != NULL; name = cm_json_next(cm_json_next(name))) {
        char text[sizeof(f->floors[0].name)] = "";
        struct cm_floor *e = NULL;
        uint64_t value = 0;

        if (cm_json_string(name, text, sizeof(text), NULL) != CM_OK ||
            cm_json_u64(cm_json_next(name), &value) != CM_OK) {
            return CM_ERR_FORMAT;
        }
        e = entry(f, text);
        if (e == NULL) {
            return f->count == CM_FLOORS_MAX ? CM_ERR_LIMIT : CM_ERR_NOMEM;
        }
        e->value = value;
    }
    return CM_OK;
}

static enum cm_status load(struct cm_floor_file *f, struct cm_why *why)
{
    struct cm_json_node *nodes = NULL;
    struct cm_json doc;
    uint8_t *text = NULL;
    size_t len = 0;
    enum cm_status st = cm_file_read(f->path, FILE_MAX, &text, &len, NULL);

    if (st == CM_ERR_NOTFOUND) {
        return CM_OK;
    }
    if (st == CM_OK) {
        nodes = malloc(NODES_MAX * sizeof(*nodes));
        st = nodes == NULL ? CM_ERR_NOMEM
                           : cm_json_parse(cm_span_make(text, len), nodes, NODES_MAX, &doc, NULL);
    }
    if (st == CM_OK) {
        st = parse(f, cm_json_root(&doc));
    }
    if (st != CM_OK) {
        st = st == CM_ERR_SYNTAX ? CM_ERR_FORMAT : st;
        cm_why_set(why,
                   "%.150s: these floors cannot be read (%s); without them nothing is "
                   "verified: restore the file",
                   f->path, cm_status_str(st));
    }
    free(nodes);
    free(text);
    return st;
}

enum cm_status cm_floor_file_open(const char *path, struct cm_floor_file **out, struct cm_why *why)
{
    struct cm_floor_file *f = calloc(1, sizeof(*f));
    char lock[sizeof(f->path) + 8] = "";
    enum cm_status st = CM_OK;

    *out = NULL;
    if (f == NULL) {
        return CM_ERR_NOMEM;
    }
    f->lock = -1;
    if (snprintf(f->path, sizeof(f->path), "%s", path) >= (int)sizeof(f->path)) {
        cm_why_set(why, "the path of the floors is too long");
        st = CM_ERR_PARAM;
        goto out;
    }
    (void)snprintf(lock, sizeof(lock), "%s.lock", path);
    CM_TRY(cm_file_lock(lock, &f->lock, why));
    CM_TRY(load(f, why));
    *out = f;
    f = NULL;
out:
    cm_floor_file_close(f);
    return st;
}

void cm_floor_file_close(struct cm_floor_file *f)
{
    if (f != NULL) {
        cm_file_unlock(f->lock);
        free(f->floors);
        free(f);
    }
}

const struct cm_floor *cm_floor_file_floors(const struct cm_floor_file *f, size_t *count)
{
    *count = f->count;
    return f->floors;
}

static enum cm_status save(const struct cm_floor_file *f, struct cm_why *why)
{
    const size_t cap = (f->count + 1) * ENTRY_TEXT;
    char *text = malloc(cap);
    struct cm_json_wr w;
    size_t len = 0;
    enum cm_status st = CM_OK;

    if (text == NULL) {
        return CM_ERR_NOMEM;
    }
    w = cm_json_wr_init(text, cap - 1);
    cm_json_wr_object(&w);
    cm_json_wr_name(&w, "version");
    cm_json_wr_u64(&w, 1);
    cm_json_wr_name(&w, "floors");
    cm_json_wr_object(&w);
    for (size_t i = 0; i < f->count; i++) {
        cm_json_wr_name(&w, f->floors[i].name);
        cm_json_wr_u64(&w, f->floors[i].value);
    }
    cm_json_wr_end(&w);
    cm_json_wr_end(&w);
    CM_TRY(cm_json_wr_finish(&w, &len));
    text[len] = '\n';
    CM_TRY(cm_file_write_atomic(f->path, cm_span_make(text, len + 1), 0600, why));
out:
    free(text);
    return st;
}

enum cm_status cm_floor_file_raise(struct cm_floor_file *f, const struct cm_evidence *ev,
                                   struct cm_why *why)
{
    const struct cm_floor *reached = NULL;
    bool rose = false;

    for (size_t i = 0; (reached = cm_evidence_floor(ev, i)) != NULL; i++) {
        struct cm_floor *e = entry(f, reached->name);

        if (e == NULL) {
            cm_why_set(why, "%.160s: no room for another floor", f->path);
            return f->count == CM_FLOORS_MAX ? CM_ERR_LIMIT : CM_ERR_NOMEM;
        }
        if (reached->value > e->value) {
            e->value = reached->value;
            rose = true;
        }
    }
    return rose ? save(f, why) : CM_OK;
}
