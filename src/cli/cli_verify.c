/*
 * `casemate verify`: evidence of any format against what the user gives. Prints every check with its
 * result and why, and ends with the status that stands for the verdict. Text that comes from the evidence
 * is UNTRUSTED and printed as printable ASCII only.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/cli_evidence.h"
#include "cli/cli_quote_file.h"
#include "cli/cli_text.h"
#include "cli/cli_verify_ear.h"
#include "cli/cli_verify_input.h"
#include "cli/cli_verify_policy.h"
#include "cli/cli_verify_print.h"
#include "collateral/collateral_files.h"
#include "collateral/floor_file.h"
#include "common/try.h"
#include "evidence/dcap_part.h"
#include "evidence/quote.h"
#include "evidence/timefmt.h"
#include "os/os.h"

#define JSON_CAP (1u << 20)

int cm_cli_verify_exit(enum cm_status st)
{
    switch (st) {
    case CM_OK:
        return 0;
    case CM_ERR_PARAM:
        return 2;
    case CM_ERR_FORMAT:
    case CM_ERR_LIMIT:
    case CM_ERR_OVERFLOW:
    case CM_ERR_UNSUPPORTED:
    case CM_ERR_SYNTAX:
        return 3;
    case CM_ERR_SIGNATURE:
        return 4;
    case CM_ERR_MISMATCH:
        return 5;
    case CM_ERR_EXPIRED:
        return 6;
    case CM_ERR_REVOKED:
        return 7;
    case CM_ERR_POLICY:
        return 8;
    case CM_ERR_STATE:
    case CM_ERR_SPACE:
    case CM_ERR_EXISTS:
    case CM_ERR_DENIED:
    case CM_ERR_NOMEM:
    case CM_ERR_IO:
    case CM_ERR_NOTFOUND:
    case CM_ERR_CRYPTO:
    case CM_ERR_PLATFORM:
    case CM_ERR_BUSY:
        break;
    }
    return 1;
}

static void print_verdict(enum cm_status st, FILE *out)
{
    if (st == CM_OK) {
        (void)fputs("\nGENUINE and accepted.\n", out);
    } else {
        (void)fprintf(out, "\nREFUSED: %s (exit status %d).\n", cm_status_str(st),
                      cm_cli_verify_exit(st));
    }
}

/* What there is to print. */
struct shown {
    const struct cm_cli_verify *v;
    enum cm_format format;
    const struct cm_cli_quote_file *file;
    const struct cm_cli_input *input;
    const struct cm_cli_policy *policy;
    const struct cm_evidence *ev;
    enum cm_status verdict;
};

static enum cm_status print_json(const struct shown *s, FILE *out)
{
    const size_t cap = JSON_CAP + 1024 + s->policy->json_len;
    char *inner = malloc(JSON_CAP);
    char *whole = malloc(cap);
    struct cm_json_wr w = {0};
    char time[24] = "";
    size_t len = 0;
    enum cm_status st = CM_OK;

    if (inner == NULL || whole == NULL) {
        st = CM_ERR_NOMEM;
        goto out;
    }
    w = cm_json_wr_init(whole, cap);
    cm_time_text(s->v->time, time);
    cm_json_wr_object(&w);
    cm_cli_json_bool(&w, "accepted", s->verdict == CM_OK);
    cm_cli_json_u64(&w, "exit_status", (uint64_t)cm_cli_verify_exit(s->verdict));
    cm_cli_json_str(&w, "reason", cm_status_str(s->verdict));
    cm_cli_json_str(&w, "time", time);
    cm_cli_json_str(&w, "format", cm_format_name(s->format));
    cm_cli_json_u64(&w, "unverified_bytes_behind_quote", s->file->rest.len);
    if (s->ev != NULL) {
        CM_TRY(cm_evidence_json(s->ev, inner, JSON_CAP, &len));
        cm_json_wr_name(&w, "evidence");
        cm_json_wr_raw(&w, cm_span_make(inner, len));
    }
    if (s->policy->json != NULL) {
        cm_json_wr_name(&w, "policy");
        cm_json_wr_raw(&w, cm_span_make(s->policy->json, s->policy->json_len));
    }
    cm_json_wr_end(&w);
    CM_TRY(cm_json_wr_finish(&w, &len));
    if (fwrite(whole, 1, len, out) != len || fputc('\n', out) == EOF) {
        st = CM_ERR_IO;
    }
out:
    free(inner);
    free(whole);
    return st;
}

/* The folder that a file is in. */
static void folder_of(const char *path, char *out, size_t cap)
{
    const char *slash = strrchr(path, '/');

    if (slash == NULL) {
        (void)snprintf(out, cap, ".");
    } else {
        (void)snprintf(out, cap, "%.*s", slash == path ? 1 : (int)(slash - path), path);
    }
}

/* A damaged file is the environment's fault, not the evidence's. */
static enum cm_status open_floors(const char *path, struct cm_floor_file **out, struct cm_why *why)
{
    enum cm_status st = cm_floor_file_open(path, out, why);

    return st == CM_OK || st == CM_ERR_NOMEM ? st : CM_ERR_IO;
}

/* A quote's collateral is where the user says, else beside it; other evidence has what it is given. */
static enum cm_status load_collateral(const struct cm_cli_verify *v, struct cm_span evidence,
                                      struct cm_collateral_parts **out, struct cm_why *why)
{
    char folder[4096] = "";

    if (v->collateral == NULL && v->format != CM_FORMAT_DCAP &&
        cm_verify_recognise(evidence) != CM_FORMAT_DCAP) {
        return CM_OK;
    }
    folder_of(v->file, folder, sizeof(folder));
    return cm_parts_load(v->collateral != NULL ? v->collateral : folder, out, why);
}

/* The format of a file; what nothing knows is read as a quote, whose parser says what is wrong. */
static enum cm_format format_of(const struct cm_cli_verify *v, struct cm_span evidence)
{
    enum cm_format format = v->format;

    if (format == CM_FORMAT_ANY) {
        format = cm_verify_recognise(evidence);
    }
    return format == CM_FORMAT_ANY ? CM_FORMAT_DCAP : format;
}

static void print_all(const struct cm_cli_verify *v, enum cm_format format,
                      const struct cm_cli_input *input, enum cm_status st,
                      const struct cm_evidence *ev, FILE *out)
{
    char time[24] = "";

    cm_time_text(v->time, time);
    (void)fprintf(out, "At %s, ", time);
    if (v->root_count == 1) {
        (void)fprintf(out, "under the root \"%s\"%s:\n\n", input->roots[0].label,
                      input->roots[0].emulated ? " (EMULATED)" : "");
    } else if (v->root_count != 0) {
        (void)fprintf(out, "%s evidence under %zu roots given:\n\n", cm_format_name(format),
                      v->root_count);
    } else if (format == CM_FORMAT_DCAP) {
        (void)fprintf(out, "under the root \"%s\":\n\n", cm_dcap_intel_root()->label);
    } else {
        (void)fprintf(out, "%s evidence under the makers' roots:\n\n", cm_format_name(format));
    }
    cm_cli_print_checks(ev, out);
    (void)fprintf(out, "\nThe evidence says%s:\n%s",
                  st == CM_OK ? "" : " (refused: do not rely on it)",
                  format == CM_FORMAT_DCAP ? "\n" : "");
    if (format == CM_FORMAT_DCAP) {
        cm_cli_print_quote_claims(ev, out);
    } else {
        cm_cli_print_claims(ev, true, out);
    }
    if (v->ear != NULL) {
        cm_cli_ear_print(ev, out);
    }
}

/* Evidence that could not be taken apart: as a quote, in the words of the quote's parser. */
static void explain_refusal(const struct cm_cli_verify *v, struct cm_span evidence,
                            enum cm_format format, enum cm_status st, struct cm_why *why)
{
    struct cm_quote q;
    struct cm_why parsed = {{0}};

    if (format != CM_FORMAT_DCAP || cm_quote_parse(evidence, &q, &parsed) == CM_OK) {
        cm_why_set(why, "%s", cm_status_str(st));
    } else if (v->format == CM_FORMAT_ANY && !cm_dcap_recognise(evidence)) {
        cm_why_set(why,
                   "no evidence that is known (--format FORMAT says what is wrong with it); "
                   "read as a quote: %s",
                   parsed.text);
    } else {
        cm_why_set(why, "%s", parsed.text);
    }
}

/* What is known of nothing: out of memory and the like, or evidence whose format check alone failed. */
static bool taken_apart(const struct cm_evidence *ev, enum cm_format format)
{
    return ev != NULL &&
           (format != CM_FORMAT_DCAP || cm_evidence_result(ev, 0, "quote.format") == CM_CHECK_PASS);
}

static enum cm_status print(const struct shown *s, FILE *out, struct cm_why *why)
{
    if (s->v->json) {
        return print_json(s, out);
    }
    if (taken_apart(s->ev, s->format)) {
        cm_cli_quote_note(s->file, out);
        print_all(s->v, s->format, s->input, s->verdict, s->ev, out);
        cm_cli_policy_print(s->policy, s->v->explain, out);
        print_verdict(s->verdict, out);
    } else {
        explain_refusal(s->v, s->file->quote, s->format, s->verdict, why);
    }
    return CM_OK;
}

enum cm_status cm_cli_verify(const struct cm_cli_verify *v, FILE *out, struct cm_why *why)
{
    struct cm_collateral_parts *parts = NULL;
    struct cm_dcap_collateral collateral;
    struct cm_verify_input in = {.now = v->time, .flags = v->flags};
    struct cm_verify_job job = {.accept_tcb = v->accept, .in = &in};
    struct cm_cli_input *input = calloc(1, sizeof(*input));
    struct cm_floor_file *floors = NULL;
    struct cm_evidence *ev = NULL;
    struct cm_cli_quote_file file = {0};
    struct cm_cli_policy policy = {0};
    enum cm_status printed = CM_OK;
    enum cm_status st = CM_OK;

    if (input == NULL) {
        return CM_ERR_NOMEM;
    }
    in.report_data = cm_span_make(v->nonce_len == 0 ? NULL : v->nonce, v->nonce_len);
    if (v->policy != NULL) {
        in.flags |= CM_VERIFY_EVENTS; /* policies ask for them */
        CM_TRY(cm_cli_policy_load(&policy, v->policy, why));
    }
    CM_TRY(cm_cli_quote_open(v->file, &file, why));
    job.evidence = file.quote;
    job.format = format_of(v, file.quote);
    CM_TRY(load_collateral(v, file.quote, &parts, why));
    if (parts != NULL) {
        collateral = cm_parts_view(parts);
        job.dcap = &collateral;
    }
    CM_TRY(cm_cli_input_load(v, input, why));
    in.roots = input->roots;
    in.root_count = input->root_count;
    job.materials = input->materials;
    job.material_count = input->material_count;
    if (v->floors != NULL) {
        CM_TRY(open_floors(v->floors, &floors, why));
        in.floors = cm_floor_file_floors(floors, &in.floor_count);
    }
    st = cm_verify(&job, &ev);
    if (floors != NULL && ev != NULL) {
        enum cm_status raised = cm_floor_file_raise(floors, ev, why);

        if (raised != CM_OK) { /* a verdict that the next run could contradict is none */
            st = CM_ERR_IO;
            goto out;
        }
    }
    if (st == CM_OK && policy.policy != NULL) { /* what is not genuine no policy is asked about */
        st = cm_cli_policy_judge(&policy, ev, v->flags);
    }
    if (v->ear != NULL && ev != NULL) {
        enum cm_status written =
            cm_cli_ear_write(v, ev, policy.outcome != NULL && st != CM_OK, why);

        if (written != CM_OK) {
            st = written == CM_ERR_FORMAT ? CM_ERR_PARAM : written;
            goto out;
        }
    }
    printed = v->json ? cm_cli_policy_json(&policy) : CM_OK;
    if (printed == CM_OK) {
        const struct shown shown = {v, job.format, &file, input, &policy, ev, st};

        printed = print(&shown, out, why);
    }
    st = printed == CM_OK ? st : printed;
out:
    cm_cli_policy_free(&policy);
    cm_floor_file_close(floors);
    cm_evidence_free(ev);
    cm_parts_free(parts);
    cm_cli_input_free(input);
    free(input);
    cm_cli_quote_close(&file);
    return st;
}
