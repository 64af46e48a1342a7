/*
 * `casemate evidence show`: what evidence of any format says of itself. The format's verifier takes it apart
 * with nothing to trust, so that all it finds is self-asserted; its verdict is of no interest here.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/cli_evidence.h"
#include "cli/cli_quote_file.h"
#include "cli/cli_verify_print.h"
#include "common/try.h"
#include "evidence/claims.h"

#define JSON_CAP (4u << 20)

static enum cm_status print_json(const struct cm_evidence *ev, FILE *out)
{
    char *text = malloc(JSON_CAP);
    size_t len = 0;
    enum cm_status st = CM_OK;

    if (text == NULL) {
        return CM_ERR_NOMEM;
    }
    CM_TRY(cm_evidence_json(ev, text, JSON_CAP, &len));
    if (fwrite(text, 1, len, out) != len || fputc('\n', out) == EOF) {
        st = CM_ERR_IO;
    }
out:
    free(text);
    return st;
}

static void print(enum cm_format format, struct cm_evidence *ev, FILE *out)
{
    const struct cm_check *c = NULL;

    (void)fprintf(out, "%s evidence. NOTHING HERE IS VERIFIED.\n", cm_format_name(format));
    cm_cli_print_claims(ev, false, out);
    (void)fputs("\nTo be verified (casemate verify):\n", out);
    for (size_t s = 0; s < cm_evidence_submods(ev); s++) {
        for (size_t i = 0; (c = cm_evidence_check(ev, s, i)) != NULL; i++) {
            (void)fprintf(out, "  %-8s %-22s%s\n", cm_evidence_name(ev, s), c->name,
                          cm_cli_question(c->name));
        }
    }
}

/* Whether the evidence was taken apart: it says at least something. */
static bool says_something(const struct cm_evidence *ev)
{
    bool any = false;

    for (size_t i = 0; i < cm_evidence_submods(ev); i++) {
        any = any || cm_evidence_claim(ev, i, 0) != NULL;
    }
    return any;
}

enum cm_status cm_cli_evidence_show(const char *path, bool json, FILE *out, struct cm_why *why)
{
    struct cm_verify_input in = {.now = 1};
    struct cm_verify_job job = {.in = &in};
    struct cm_cli_quote_file file = {0};
    struct cm_evidence *ev = NULL;
    enum cm_format format = CM_FORMAT_ANY;
    enum cm_status st = CM_OK;

    CM_TRY(cm_cli_quote_open(path, &file, why));
    format = cm_verify_recognise(file.quote);
    if (format == CM_FORMAT_DCAP && !json) {
        cm_cli_quote_close(&file);
        return cm_cli_quote_show(path, out, why);
    }
    job.evidence = file.quote;
    st = cm_verify(&job, &ev);
    if (ev == NULL) {
        cm_why_set(why, "%s: %s", path,
                   st == CM_ERR_UNSUPPORTED ? "no evidence that is known" : cm_status_str(st));
        goto out;
    }
    if (!says_something(ev)) {
        const struct cm_check *c = cm_evidence_check(ev, 0, 0);

        cm_why_set(why, "%s: %s: %s", path, cm_status_str(st), c == NULL ? "" : c->detail);
        goto out;
    }
    for (size_t i = 0; i < cm_evidence_submods(ev); i++) {
        cm_evidence_raise(ev, i, 0, CM_AUTHORITY_SELF);
    }
    st = CM_OK;
    if (json) {
        CM_TRY(print_json(ev, out));
    } else {
        print(format, ev, out);
    }
out:
    cm_evidence_free(ev);
    cm_cli_quote_close(&file);
    return st;
}
