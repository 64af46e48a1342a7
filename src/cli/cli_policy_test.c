/*
 * `casemate policy test`; see cli_policy.h. A file of cases is UNTRUSTED JSON:
 *
 *   {"policy": "file", "cases": [{"name": "...", "claims": {...}, "custom": {...},
 *     "allow_emulated": false, "issuer": "https://...", "expect": "permit" | "deny" | "error",
 *     "line": 4, "issued": {"type": value or [values]}}]}
 *
 * The policy's file is beside the file of cases. custom, allow_emulated, issuer, line and issued may be
 * absent; what is given must come out.
 */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli_policy.h"
#include "cli/cli_policy_file.h"
#include "cli/cli_text.h"
#include "common/try.h"
#include "os/os.h"

#define FILE_MAX (4u << 20)
#define SUFFIX   ".test.json"

struct suite {
    const char *path;
    FILE *out;
    struct cm_cli_policy_file policy;
    size_t passed;
    size_t failed;
    struct cm_why *why;
};

/* The name of a case that failed, and why. */
static void report(struct suite *s, struct cm_json_value c, const char *what)
{
    char name[128] = "";

    if (cm_json_string(cm_json_get(c, "name"), name, sizeof(name), NULL) != CM_OK) {
        (void)snprintf(name, sizeof(name), "(no name)");
    }
    s->failed++;
    (void)fputs("FAIL ", s->out);
    cm_print_escaped(s->out, name, strlen(name));
    (void)fputs(": ", s->out);
    cm_print_escaped(s->out, what, strlen(what));
    (void)fputc('\n', s->out);
}

static enum cm_status suite_error(struct suite *s, const char *what)
{
    cm_why_set(s->why, "%s: %s", s->path, what);
    return CM_ERR_SYNTAX;
}

/* Whether an issued claim is this JSON value. */
static bool is_value(const struct cm_policy_claim *c, struct cm_json_value v)
{
    char *text = NULL;
    int64_t number = 0;
    bool yes = false;

    if (c->value_type == CM_POLICY_INT) {
        return cm_json_i64(v, &number) == CM_OK && number == c->number;
    }
    if (c->value_type == CM_POLICY_BOOL) {
        return cm_json_is(v, c->number != 0 ? CM_JSON_TRUE : CM_JSON_FALSE);
    }
    text = malloc(c->text.len + 1);
    if (text != NULL) {
        if (c->text.len != 0) {
            memcpy(text, c->text.ptr, c->text.len);
        }
        text[c->text.len] = '\0';
        yes = cm_json_equal(v, text);
    }
    free(text);
    return yes;
}

static bool is_type(const struct cm_policy_claim *c, struct cm_json_value name)
{
    char type[520] = "";
    size_t len = 0;

    return cm_json_string(name, type, sizeof(type), &len) == CM_OK && len == c->type.len &&
           memcmp(type, c->type.ptr, len) == 0;
}

/* Exactly the issued claims, each type's values in order. */
static bool same_issued(const struct cm_policy_outcome *o, struct cm_json_value want)
{
    const struct cm_json_value none = {NULL, 0};
    struct cm_policy_claim c;
    size_t issued = 0;
    size_t wanted = 0;

    while (cm_policy_outcome_claim(o, issued, &c)) {
        issued++;
    }
    for (struct cm_json_value n = cm_json_first(want); n.doc != NULL;) {
        struct cm_json_value v = cm_json_next(n);
        bool set = cm_json_is(v, CM_JSON_ARRAY);
        struct cm_json_value e = set ? cm_json_first(v) : v;

        for (size_t i = 0; cm_policy_outcome_claim(o, i, &c); i++) {
            if (!is_type(&c, n)) {
                continue;
            }
            if (e.doc == NULL || !is_value(&c, e)) {
                return false;
            }
            wanted++;
            e = set ? cm_json_next(e) : none;
        }
        if (e.doc != NULL) {
            return false;
        }
        n = cm_json_next(v);
    }
    return issued == wanted;
}

/* "permit", "deny", "error" of a status. */
static const char *word_of(enum cm_status st)
{
    return st == CM_OK ? "permit" : (st == CM_ERR_POLICY ? "deny" : "error");
}

/* Compare what came out with what the case says. */
static void judge(struct suite *s, struct cm_json_value c, enum cm_status st, const char *reason,
                  const struct cm_policy_outcome *o)
{
    struct cm_json_value line = cm_json_get(c, "line");
    struct cm_json_value issued = cm_json_get(c, "issued");
    uint64_t n = 0;
    char what[700] = "";

    if (!cm_json_equal(cm_json_get(c, "expect"), word_of(st))) {
        (void)snprintf(what, sizeof(what), "%s: %s", word_of(st), reason);
        report(s, c, what);
    } else if (line.doc != NULL &&
               (o == NULL || cm_json_u64(line, &n) != CM_OK || n != cm_policy_outcome_line(o))) {
        (void)snprintf(what, sizeof(what), "decided in line %zu: %s",
                       o == NULL ? 0 : cm_policy_outcome_line(o), reason);
        report(s, c, what);
    } else if (issued.doc != NULL && (o == NULL || !same_issued(o, issued))) {
        report(s, c, "other claims were issued");
    } else {
        s->passed++;
    }
}

static enum cm_status add_claims(struct cm_json_value object, enum cm_policy_issuer issuer,
                                 struct cm_policy_claims *claims, struct cm_why *why)
{
    return object.doc == NULL ? CM_OK
                              : cm_policy_claims_object(claims, cm_json_bytes(object), issuer, why);
}

static enum cm_status run_policy(struct suite *s, struct cm_json_value c)
{
    struct cm_policy_claims *claims = NULL;
    struct cm_policy_outcome *o = NULL;
    bool emulated = cm_json_is(cm_json_get(c, "allow_emulated"), CM_JSON_TRUE);
    struct cm_why why = {{0}};
    enum cm_status verdict = CM_OK;
    enum cm_status st = CM_OK;

    CM_TRY(cm_policy_claims_create(&claims));
    st = add_claims(cm_json_get(c, "claims"), CM_POLICY_SERVICE, claims, &why);
    if (st == CM_OK) {
        st = add_claims(cm_json_get(c, "custom"), CM_POLICY_CUSTOM, claims, &why);
    }
    if (st != CM_OK) {
        report(s, c, why.text[0] != '\0' ? why.text : cm_status_str(st));
        st = st == CM_ERR_NOMEM ? st : CM_OK;
        goto out;
    }
    verdict =
        cm_policy_evaluate(s->policy.policy, claims, emulated ? CM_POLICY_ALLOW_EMULATED : 0, &o);
    if (o == NULL) {
        st = verdict;
        goto out;
    }
    judge(s, c, verdict, cm_policy_outcome_reason(o), o);
out:
    cm_policy_outcome_free(o);
    cm_policy_claims_free(claims);
    return st;
}

static enum cm_status run_release(struct suite *s, struct cm_json_value c)
{
    struct cm_release_reason reason = {{0}};
    char issuer[600] = "";
    enum cm_status st = CM_OK;

    if (cm_json_string(cm_json_get(c, "issuer"), issuer, sizeof(issuer), NULL) != CM_OK) {
        report(s, c, "an issuer is expected");
        return CM_OK;
    }
    st = cm_release_evaluate(s->policy.release, cm_span_make(issuer, strlen(issuer)),
                             cm_json_bytes(cm_json_get(c, "claims")), &reason);
    if (st == CM_ERR_NOMEM) {
        return st;
    }
    judge(s, c, st, reason.text, NULL);
    return CM_OK;
}

/* The file that a case file names, beside it. */
static enum cm_status open_policy(struct suite *s, struct cm_json_value name)
{
    char file[512] = "";
    char path[4096] = "";
    const char *slash = strrchr(s->path, '/');
    int n = 0;

    if (cm_json_string(name, file, sizeof(file), NULL) != CM_OK) {
        return suite_error(s, "policy, the name of a file, is expected");
    }
    n = snprintf(path, sizeof(path), "%.*s%s", slash == NULL ? 0 : (int)(slash - s->path + 1),
                 s->path, file);
    if (n < 0 || (size_t)n >= sizeof(path)) {
        return suite_error(s, "the name of the policy is too long");
    }
    return cm_cli_policy_open(path, &s->policy, s->why);
}

static enum cm_status run_cases(struct suite *s, struct cm_json_value root)
{
    struct cm_json_value cases = cm_json_get(root, "cases");
    enum cm_status st = CM_OK;

    CM_TRY(open_policy(s, cm_json_get(root, "policy")));
    if (!cm_json_is(cases, CM_JSON_ARRAY) || cm_json_count(cases) == 0) {
        return suite_error(s, "cases, an array, is expected");
    }
    for (struct cm_json_value c = cm_json_first(cases); c.doc != NULL; c = cm_json_next(c)) {
        if (!cm_json_is(cm_json_get(c, "claims"), CM_JSON_OBJECT) ||
            !cm_json_is(cm_json_get(c, "expect"), CM_JSON_STRING)) {
            report(s, c, "claims, an object, and expect are expected");
            continue;
        }
        CM_TRY(s->policy.release != NULL ? run_release(s, c) : run_policy(s, c));
    }
out:
    return st;
}

static enum cm_status run_file(const char *path, FILE *out, size_t *failed, struct cm_why *why)
{
    struct suite s = {.path = path, .out = out, .why = why};
    struct cm_json_node *nodes = NULL;
    struct cm_json doc;
    struct cm_why inner = {{0}};
    uint8_t *text = NULL;
    size_t len = 0;
    enum cm_status st = CM_OK;

    CM_TRY(cm_file_read(path, FILE_MAX, &text, &len, why));
    nodes = calloc(len / 2 + 2, sizeof(*nodes));
    if (nodes == NULL) {
        st = CM_ERR_NOMEM;
        goto out;
    }
    st = cm_json_parse(cm_span_make(text, len), nodes, len / 2 + 2, &doc, &inner);
    if (st != CM_OK) {
        cm_why_set(why, "%s: %s", path, inner.text);
        goto out;
    }
    CM_TRY(run_cases(&s, cm_json_root(&doc)));
    cm_print_escaped(out, path, strlen(path));
    (void)fprintf(out, ": %zu passed, %zu failed\n", s.passed, s.failed);
    *failed += s.failed;
out:
    cm_cli_policy_close(&s.policy);
    free(nodes);
    free(text);
    return st;
}

static int is_suite(const struct dirent *e)
{
    size_t len = strlen(e->d_name);

    return len > strlen(SUFFIX) && strcmp(e->d_name + len - strlen(SUFFIX), SUFFIX) == 0;
}

static enum cm_status run_folder(const char *path, struct dirent **names, int count, FILE *out,
                                 size_t *failed, struct cm_why *why)
{
    enum cm_status st = CM_OK;

    for (int i = 0; st == CM_OK && i < count; i++) {
        char file[4096] = "";
        int n = snprintf(file, sizeof(file), "%s/%s", path, names[i]->d_name);

        st = n < 0 || (size_t)n >= sizeof(file) ? CM_ERR_LIMIT : run_file(file, out, failed, why);
    }
    return st;
}

enum cm_status cm_cli_policy_test(const char *path, FILE *out, size_t *failed, struct cm_why *why)
{
    struct dirent **names = NULL;
    int count = scandir(path, &names, is_suite, alphasort);
    enum cm_status st = CM_OK;

    *failed = 0;
    if (count < 0) { /* no folder */
        return run_file(path, out, failed, why);
    }
    if (count == 0) {
        cm_why_set(why, "%s: there is no *%s", path, SUFFIX);
        st = CM_ERR_NOTFOUND;
    } else {
        st = run_folder(path, names, count, out, failed, why);
    }
    for (int i = 0; i < count; i++) {
        free(names[i]);
    }
    free(names);
    return st;
}
