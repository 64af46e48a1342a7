/* The dashboard's files: what is served, to whom, under which headers; with a table of this test's own. */
#include "harness.h"
#include "service_kit.h"

#include "console/console.h"
#include "console/console_files.h"

#define SPAN(text)                                \
    {                                             \
        (const uint8_t *)(text), sizeof(text) - 1 \
    }

const struct cm_console_file cm_console_files[] = {
    {"assets/app-1a2b.js", "text/javascript; charset=utf-8", "\"0123\"", SPAN("let a = 1;"),
     SPAN("(gzip)"), true},
    {"assets/font-3c.woff2", "font/woff2", "\"4567\"", SPAN("font"), {NULL, 0}, true},
    {"favicon.svg", "image/svg+xml", "\"89ab\"", SPAN("<svg/>"), {NULL, 0}, false},
    {"index.html", "text/html; charset=utf-8", "\"cdef\"", SPAN("<!doctype html>index"),
     SPAN("(packed index)"), false},
};
const size_t cm_console_file_count = 4;

static void start(void)
{
    static const struct cm_module *const modules[] = {&cm_console_module, NULL};

    (void)kit_start(modules);
}

static struct kit_answer *get_with(const char *path, const char *header)
{
    const char *const headers[] = {header, NULL};

    return kit_ask("GET", path, NULL, NULL, cm_span_make(NULL, 0), headers);
}

TEST(files_have_their_types_and_headers)
{
    static const char *const wanted[][2] = {
        {"Content-Security-Policy",
         "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self';"
         " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
        {"X-Content-Type-Options", "nosniff"},
        {"Referrer-Policy", "no-referrer"},
        {"Cross-Origin-Opener-Policy", "same-origin"},
        {"Cross-Origin-Resource-Policy", "same-origin"},
        {"Permissions-Policy", "camera=(), geolocation=(), microphone=()"},
    };

    start();
    CHECK_EQ(kit_get("/dashboard/assets/app-1a2b.js", NULL)->status, 200);
    CHECK_STR(kit_last()->body, "let a = 1;");
    CHECK_STR(kit_header("Content-Type"), "text/javascript; charset=utf-8");
    CHECK_STR(kit_header("ETag"), "\"0123\"");
    CHECK_STR(kit_header("Cache-Control"), "public, max-age=31536000, immutable");
    CHECK_STR(kit_header("Vary"), "Accept-Encoding");
    CHECK(kit_header("Content-Encoding") == NULL);
    CHECK(kit_header("Set-Cookie") == NULL);
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        CHECK_STR(kit_header(wanted[i][0]), wanted[i][1]);
    }
    CHECK_EQ(kit_get("/dashboard/favicon.svg", NULL)->status, 200);
    CHECK_STR(kit_header("Cache-Control"), "no-cache");
    CHECK_STR(kit_header("Content-Type"), "image/svg+xml");
    kit_stop();
}

TEST(addresses_of_the_dashboard_are_its_page)
{
    static const char *const paths[] = {"/dashboard", "/dashboard/",
                                        "/dashboard/policies/SgxEnclave", "/dashboard/index.html",
                                        "/dashboard/a.b"};

    start();
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        CHECK_EQ(kit_get(paths[i], NULL)->status, 200);
        CHECK_STR(kit_last()->body, "<!doctype html>index");
        CHECK_STR(kit_header("Cache-Control"), "no-cache");
    }
    CHECK_EQ(kit_get("/", NULL)->status, 302);
    CHECK_STR(kit_header("Location"), "/dashboard/");
    CHECK_EQ(kit_get("/dashboard/assets/gone-9f.js", NULL)->status, 404);
    CHECK_EQ(kit_get("/dashboard/assets", NULL)->status, 200);
    CHECK_EQ(kit_post("/dashboard/index.html", NULL, "{}")->status, 405);
    CHECK_EQ(kit_get("/dashboard/../api/v1/me", NULL)->status, 400);
    CHECK_EQ(kit_get("/dashboard/%2e%2e/secret", NULL)->status, 400);
    CHECK_EQ(kit_get("/index.html", NULL)->status, 404);
    kit_stop();
}

TEST(compressed_form_is_for_those_who_take_it)
{
    static const struct {
        const char *header;
        bool packed;
    } cases[] = {
        {"Accept-Encoding: gzip", true},
        {"Accept-Encoding: deflate, gzip, br", true},
        {"Accept-Encoding: br;q=1.0, gzip;q=0.8", true},
        {"Accept-Encoding: gzip;q=0.001", true},
        {"Accept-Encoding: GZIP", true},
        {"Accept-Encoding: gzip;q=0", false},
        {"Accept-Encoding: gzip;q=0.0, br", false},
        {"Accept-Encoding: x-gzip", false},
        {"Accept-Encoding: gzipped", false},
        {"Accept-Encoding: identity", false},
        {"Accept-Encoding: ", false},
    };

    start();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CHECK_EQ(get_with("/dashboard/", cases[i].header)->status, 200);
        if ((strcmp(kit_last()->body, "(packed index)") == 0) != cases[i].packed) {
            TEST_FAIL("%s: %s", cases[i].header, kit_last()->body);
        }
        CHECK((kit_header("Content-Encoding") != NULL) == cases[i].packed);
        CHECK_STR(kit_header("Vary"), "Accept-Encoding");
    }
    CHECK_EQ(get_with("/dashboard/assets/font-3c.woff2", "Accept-Encoding: gzip")->status, 200);
    CHECK(kit_header("Content-Encoding") == NULL);
    kit_stop();
}

TEST(what_a_browser_has_is_not_sent_again)
{
    static const struct {
        const char *header;
        int status;
    } cases[] = {
        {"If-None-Match: \"cdef\"", 304},          {"If-None-Match: W/\"cdef\"", 304},
        {"If-None-Match: \"0\", W/\"cdef\"", 304}, {"If-None-Match: *", 304},
        {"If-None-Match: \"cde\"", 200},           {"If-None-Match: cdef", 200},
        {"If-None-Match: \"0123\"", 200},          {"If-None-Match: ,,", 200},
    };

    start();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CHECK_EQ(get_with("/dashboard/", cases[i].header)->status, cases[i].status);
        CHECK_STR(kit_header("ETag"), "\"cdef\"");
        CHECK((kit_last()->len == 0) == (cases[i].status == 304));
    }
    kit_stop();
}

TEST_MAIN
