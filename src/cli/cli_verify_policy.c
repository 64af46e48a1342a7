/* `casemate verify --policy`; see cli_verify_policy.h. Claims are UNTRUSTED text. */
#include "cli/cli_verify_policy.h"

#include <stdlib.h>
#include <string.h>

#include "cli/cli_policy.h"
#include "cli/cli_text.h"
#include "common/try.h"
#include "os/os.h"

#define JSON_FIRST (64u << 10)
#define JSON_MAX   (64u << 20)

enum cm_status cm_cli_policy_load(struct cm_cli_policy *p, const char *path, struct cm_why *why)
{
    struct cm_policy_error error = {0};
    uint8_t *text = NULL;
    size_t len = 0;
    enum cm_status st = CM_OK;

    p->path = path;
    CM_TRY(cm_file_read(path, CM_POLICY_MAX_TEXT, &text, &len, why));
    st = cm_policy_parse(cm_span_make(text, len), &p->policy, &error);
    if (st != CM_OK && st != CM_ERR_NOMEM) {
        cm_why_set(why, "%s:%zu:%zu: %s", path, error.line, error.column, error.text);
        st = CM_ERR_IO; /* the user's file is at fault, not the evidence */
    }
out:
    free(text);
    return st;
}

void cm_cli_policy_free(struct cm_cli_policy *p)
{
    cm_policy_outcome_free(p->outcome);
    cm_policy_claims_free(p->claims);
    cm_policy_free(p->policy);
    free(p->json);
}

enum cm_status cm_cli_policy_judge(struct cm_cli_policy *p, const struct cm_evidence *ev,
                                   unsigned flags)
{
    unsigned allow = (flags & CM_VERIFY_ALLOW_EMULATED) != 0 ? CM_POLICY_ALLOW_EMULATED : 0;
    enum cm_status st = CM_OK;

    CM_TRY(cm_policy_claims_evidence(ev, &p->claims));
    st = cm_policy_evaluate(p->policy, p->claims, allow, &p->outcome);
    if (st != CM_OK && st != CM_ERR_NOMEM) {
        st = CM_ERR_POLICY;
    }
out:
    return st;
}

enum cm_status cm_cli_outcome_json(const struct cm_policy_outcome *o, char **out, size_t *len)
{
    enum cm_status st = CM_ERR_SPACE;

    for (size_t cap = JSON_FIRST; st == CM_ERR_SPACE && cap <= JSON_MAX; cap *= 4) {
        free(*out);
        *out = malloc(cap);
        if (*out == NULL) {
            return CM_ERR_NOMEM;
        }
        st = cm_policy_outcome_json(o, *out, cap, len);
    }
    return st;
}

enum cm_status cm_cli_policy_json(struct cm_cli_policy *p)
{
    return p->outcome == NULL ? CM_OK : cm_cli_outcome_json(p->outcome, &p->json, &p->json_len);
}

static void print_claim(const struct cm_policy_claim *c, FILE *out)
{
    (void)fputs("    ", out);
    cm_print_escaped(out, (const char *)c->type.ptr, c->type.len);
    if (c->value_type == CM_POLICY_INT) {
        (void)fprintf(out, " = %lld\n", (long long)c->number);
    } else if (c->value_type == CM_POLICY_BOOL) {
        (void)fprintf(out, " = %s\n", c->number != 0 ? "true" : "false");
    } else {
        (void)fputs(" = \"", out);
        cm_print_escaped(out, (const char *)c->text.ptr, c->text.len);
        (void)fputs("\"\n", out);
    }
}

void cm_cli_outcome_claims(const struct cm_policy_outcome *o, FILE *out)
{
    struct cm_policy_claim c;

    for (size_t i = 0; cm_policy_outcome_claim(o, i, &c); i++) {
        if (i == 0) {
            (void)fputs("  Issued:\n", out);
        }
        print_claim(&c, out);
    }
    for (size_t i = 0; cm_policy_outcome_property(o, i, &c); i++) {
        if (i == 0) {
            (void)fputs("  Properties:\n", out);
        }
        print_claim(&c, out);
    }
}

void cm_cli_policy_print(const struct cm_cli_policy *p, bool explain, FILE *out)
{
    if (p->policy == NULL) {
        return;
    }
    (void)fputs("\nThe policy ", out);
    cm_print_escaped(out, p->path, strlen(p->path));
    if (p->outcome == NULL) {
        (void)fputs(" was not asked.\n", out);
        return;
    }
    (void)fprintf(out, " %s:\n",
                  cm_policy_outcome_status(p->outcome) == CM_OK ? "permits" : "REFUSES");
    cm_print_wrapped(out, "  ", cm_policy_outcome_reason(p->outcome));
    if (explain) {
        cm_cli_outcome_steps(p->outcome, out);
    }
    cm_cli_outcome_claims(p->outcome, out);
}
