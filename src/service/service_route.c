/*
 * Which route a path belongs to. Paths come plain from src/web: no empty, "." or ".." segments. Routes are
 * sorted once, so that the first that matches is the one with the most fixed text from the left.
 */
#include <string.h>
#include <strings.h>

#include "service/service_private.h"

static bool parse_segment(const char *text, size_t len, bool last, struct service_segment *out)
{
    const char *close = memchr(text, '}', len);

    memset(out, 0, sizeof(*out));
    if (text[0] != '{') {
        out->text = text;
        out->text_len = len;
        return memchr(text, '{', len) == NULL && close == NULL;
    }
    if (close == NULL || close == text + 1) {
        return false;
    }
    out->name = text + 1;
    out->name_len = (size_t)(close - text) - 1;
    out->text = close + 1;
    out->text_len = len - out->name_len - 2;
    if (out->name_len > 3 && memcmp(close - 3, "...", 3) == 0) {
        out->name_len -= 3;
        out->rest = true;
    }
    return !out->rest || (last && out->text_len == 0);
}

enum cm_status cm_route_parse(const struct cm_route *route, struct service_route *out,
                              struct cm_why *why)
{
    const char *at = route->path;
    size_t names = 0;
    bool good = at != NULL && at[0] == '/' && route->serve != NULL &&
                (route->methods & ~(unsigned)(CM_WEB_GET | CM_WEB_POST | CM_WEB_PUT | CM_WEB_PATCH |
                                              CM_WEB_DELETE)) == 0 &&
                route->methods != 0;

    out->route = route;
    out->count = 0;
    while (good && at[0] == '/' && at[1] != '\0') {
        const size_t len = strcspn(at + 1, "/");

        good = out->count < MAX_SEGMENTS && len != 0 &&
               parse_segment(at + 1, len, at[len + 1] == '\0', &out->segments[out->count]);
        if (good) {
            names += out->segments[out->count++].name != NULL;
        }
        at += len + 1;
    }
    if (!good || names > MAX_PARAMS || (at[0] == '/' && at != route->path)) {
        cm_why_set(why, "no route: %.100s", route->path == NULL ? "(null)" : route->path);
        return CM_ERR_PARAM;
    }
    return CM_OK;
}

/* 0: fixed, 1: a name with text behind it, 2: a name, 3: the rest, 4: nothing */
static int rank(const struct service_route *r, size_t i)
{
    const struct service_segment *s = &r->segments[i];

    if (i >= r->count) {
        return 4;
    }
    return s->name == NULL ? 0 : s->rest ? 3 : s->text_len == 0 ? 2 : 1;
}

static int compare_text(const struct service_segment *a, const struct service_segment *b)
{
    const size_t len = a->text_len < b->text_len ? a->text_len : b->text_len;
    const int order = len == 0 ? 0 : strncasecmp(a->text, b->text, len);

    if (order != 0) {
        return order;
    }
    return a->text_len == b->text_len ? 0 : a->text_len > b->text_len ? -1 : 1; /* longer first */
}

int cm_route_compare(const struct service_route *a, const struct service_route *b)
{
    for (size_t i = 0; i < a->count || i < b->count; i++) {
        const int order = rank(a, i) - rank(b, i);

        if (order != 0) {
            return order;
        }
        if (rank(a, i) < 2) {
            const int text = compare_text(&a->segments[i], &b->segments[i]);

            if (text != 0) {
                return text;
            }
        }
    }
    return 0;
}

bool cm_route_same(const struct service_route *a, const struct service_route *b)
{
    return cm_route_compare(a, b) == 0;
}

/* Whether a segment of a path fits; len without what follows. */
static bool fits(const struct service_segment *s, const char *text, size_t len)
{
    if (s->name == NULL) {
        return len == s->text_len && strncasecmp(text, s->text, len) == 0;
    }
    return len > s->text_len && strncasecmp(text + len - s->text_len, s->text, s->text_len) == 0;
}

static size_t segment_len(const char *at)
{
    return strcspn(at, "/");
}

/* at: behind the first '/'. */
static bool matches(const struct service_route *r, const char *at)
{
    for (size_t i = 0; i < r->count; i++) {
        const size_t len = segment_len(at);

        if (len == 0) {
            return false;
        }
        if (r->segments[i].rest) {
            return true;
        }
        if (!fits(&r->segments[i], at, len)) {
            return false;
        }
        at += len;
        if (*at == '/') {
            at++;
        } else if (i + 1 < r->count) {
            return false;
        }
    }
    return *at == '\0';
}

size_t cm_route_params(const struct service_route *r, char *path,
                       struct cm_call_param params[MAX_PARAMS])
{
    char *at = path + 1;
    size_t count = 0;

    for (size_t i = 0; i < r->count; i++) {
        const struct service_segment *s = &r->segments[i];
        const size_t len = s->rest ? strlen(at) : segment_len(at);
        const bool more = at[len] == '/';

        at[len] = '\0';
        if (s->name != NULL) {
            params[count++] = (struct cm_call_param){s->name, s->name_len, at};
            at[len - s->text_len] = '\0';
        }
        at += len + (more ? 1 : 0);
    }
    return count;
}

void cm_route_match(struct service_route *routes, size_t count, unsigned method, const char *path,
                    struct service_match *out)
{
    const char *at = path + 1;
    const size_t first = segment_len(at);

    memset(out, 0, sizeof(*out));
    for (size_t i = 0; i < count; i++) {
        struct service_route *r = &routes[i];

        if (out->near == NULL && r->count != 0 && r->segments[0].name == NULL &&
            fits(&r->segments[0], at, first)) {
            out->near = r;
        }
        if (matches(r, at)) {
            out->methods |= r->route->methods;
            out->cors = out->cors || r->route->cors;
            if (out->found == NULL && (r->route->methods & method) != 0) {
                out->found = r;
            }
        }
    }
    if (out->found != NULL) {
        out->near = out->found;
    }
}
