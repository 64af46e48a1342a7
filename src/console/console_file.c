/*
 * The dashboard's files, from memory. Anyone gets them: there is nothing in them that not everybody may know.
 * Untrusted: path and headers.
 */
#include <string.h>
#include <strings.h>

#include "console/console_files.h"
#include "console/console_private.h"

#define CSP                                                                                      \
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self'; " \
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
#define INDEX  "index.html"
#define ASSETS "assets/"

static const char no_dashboard[] =
    "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>Casemate</title>\n"
    "<h1>The service runs; its dashboard was not built in</h1>\n"
    "<p>This program was built without node. With node 20.19 or later (or after\n"
    "<code>scripts/node install</code>, which fetches one) build it again with\n"
    "<code>cmake --preset dev -DCM_DASHBOARD=ON</code>.</p>\n"
    "<p>Everything that the dashboard does can be done through the API below\n"
    "<code>/api/v1/</code>: see <code>docs/console-api.md</code>.</p>\n</html>\n";

static void add_headers(struct cm_call *call)
{
    static const char *const headers[][2] = {
        {"Content-Security-Policy", CSP},
        {"Cross-Origin-Opener-Policy", "same-origin"},
        {"Cross-Origin-Resource-Policy", "same-origin"},
        {"Permissions-Policy", "camera=(), geolocation=(), microphone=()"},
    };

    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        cm_call_header(call, headers[i][0], headers[i][1]);
    }
}

static const struct cm_console_file *find(const char *path)
{
    size_t from = 0;
    size_t to = cm_console_file_count;

    while (from < to) {
        const size_t middle = from + (to - from) / 2;
        const int order = strcmp(path, cm_console_files[middle].path);

        if (order == 0) {
            return &cm_console_files[middle];
        }
        from = order > 0 ? middle + 1 : from;
        to = order > 0 ? to : middle;
    }
    return NULL;
}

/* Whether a list of a header names something, with a parameter that does not take it away (";q=0"). */
static bool names(const char *list, const char *wanted)
{
    const size_t len = strlen(wanted);

    while (list != NULL && *list != '\0') {
        const size_t item = strcspn(list, ",");
        const char *at = list + strspn(list, " \t");

        if (strncasecmp(at, wanted, len) == 0 && strchr(" \t,;", at[len]) != NULL) {
            const char *q = memmem(at, item - (size_t)(at - list), "q=0", 3);

            return q == NULL || (q[3] == '.' && strspn(q + 4, "0") < strcspn(q + 4, " \t,;"));
        }
        list += item;
        list += *list == ',' ? 1 : 0;
    }
    return false;
}

static bool has_it(const struct cm_call *call, const struct cm_console_file *f)
{
    const char *header = cm_web_header(call->req, "If-None-Match");

    while (header != NULL && *header != '\0') {
        header += strspn(header, " \t,");
        if (strncmp(header, "W/", 2) == 0) {
            header += 2;
        }
        if (*header == '*' || strncmp(header, f->etag, strlen(f->etag)) == 0) {
            return true;
        }
        header += strcspn(header, ",");
    }
    return false;
}

static void serve_file(struct cm_call *call, const struct cm_console_file *f)
{
    const bool packed =
        f->gzip.len != 0 && names(cm_web_header(call->req, "Accept-Encoding"), "gzip");

    add_headers(call);
    cm_call_header(call, "ETag", f->etag);
    cm_call_header(call, "Cache-Control",
                   f->immutable ? "public, max-age=31536000, immutable" : "no-cache");
    if (f->gzip.len != 0) {
        cm_call_header(call, "Vary", "Accept-Encoding");
    }
    if (has_it(call, f)) {
        cm_call_answer(call, 304, NULL, cm_span_make(NULL, 0));
        return;
    }
    if (packed) {
        cm_call_header(call, "Content-Encoding", "gzip");
    }
    cm_call_answer(call, 200, f->type, packed ? f->gzip : f->body);
}

void cm_console_file(struct cm_call *call, void *state)
{
    const char *path = cm_call_param(call, "file");
    const struct cm_console_file *f = find(path);

    (void)state;
    if (f == NULL && strncmp(path, ASSETS, strlen(ASSETS)) == 0) {
        cm_call_fail(call, 404, "NotFound", "there is no such file");
        return;
    }
    if (f == NULL) { /* the dashboard's own addresses */
        f = find(INDEX);
    }
    if (f != NULL) {
        serve_file(call, f);
    } else {
        add_headers(call);
        cm_call_header(call, "Cache-Control", "no-cache");
        cm_call_answer(call, 200, "text/html; charset=utf-8",
                       cm_span_make(no_dashboard, sizeof(no_dashboard) - 1));
    }
}

void cm_console_root(struct cm_call *call, void *state)
{
    (void)state;
    cm_call_header(call, "Location", "/dashboard/");
    cm_call_answer(call, 302, NULL, cm_span_make(NULL, 0));
}
