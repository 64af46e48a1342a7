/*
 * `casemate verify`: a quote against collateral from files. Prints every check with its result and
 * why, and ends with the status that stands for the verdict. Text that comes from the evidence is
 * UNTRUSTED and printed as printable ASCII only.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/cli_evidence.h"
#include "cli/cli_quote_file.h"
#include "cli/cli_text.h"
#include "collateral/collateral_files.h"
#include "collateral/floor_file.h"
#include "common/try.h"
#include "evidence/certs.h"
#include "evidence/quote.h"
#include "evidence/timefmt.h"
#include "os/os.h"

#define ROOT_MAX (1u << 20)
#define JSON_CAP (1u << 20)

/* what each check asks, in the order in which they come */
static const struct {
    const char *name;
    const char *question;
} questions[] = {
    {"quote.format", "exactly one quote, every length right"},
    {"pck.source", "the PCK chain is the one in the quote"},
    {"pck.chain", "leaf, CA and root: names, roles, signatures"},
    {"root_crl", "the root's revocation list is genuine"},
    {"pck_crl", "the PCK CA's revocation list is genuine"},
    {"pck.revocation", "neither PCK nor its CA is revoked"},
    {"tcb_info.chain", "the TCB info's signer is genuine, not revoked"},
    {"tcb_info.signature", "the TCB info is well formed and signed"},
    {"qe_identity.chain", "the QE identity's signer is genuine, not revoked"},
    {"qe_identity.signature", "the QE identity is well formed and signed"},
    {"root.trusted", "all chains end in one trusted root"},
    {"validity", "everything is valid at this time"},
    {"rollback", "nothing is older than what was seen before"},
    {"tcb_info.platform", "the TCB info is this platform's"},
    {"qe.report_signature", "the PCK signed the quoting enclave's report"},
    {"qe.binding", "the QE vouches for the attestation key"},
    {"qe.identity", "the QE is the one that Intel describes"},
    {"quote.signature", "the attestation key signed the quote"},
    {"tdx.module", "the TDX module is the one that Intel describes"},
    {"tcb.status", "the platform's status is accepted"},
    {"debug", "no debugging"},
    {"report_data", "the report data is the expected one"},
};

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

/* A root certificate from a file as a trust root; an emulator's says so in its name. */
static enum cm_status load_root(const char *path, char label[80], struct cm_trust_root *out,
                                struct cm_why *why)
{
    const struct cm_cert *chain[CM_CERTS_MAX_CHAIN] = {NULL};
    struct cm_certs *set = NULL;
    struct cm_span cn = {NULL, 0};
    uint8_t *pem = NULL;
    size_t len = 0;
    size_t count = 0;
    enum cm_status st = CM_OK;

    CM_TRY(cm_file_read(path, ROOT_MAX, &pem, &len, why));
    CM_TRY(cm_certs_create(&set));
    st = cm_certs_pem(set, cm_span_make(pem, len), chain, &count);
    if (st != CM_OK || count != 1 || !cm_cert_self_issued(chain[0])) {
        cm_why_set(why, "%s is not one root certificate in PEM (P-256, ECDSA)", path);
        st = CM_ERR_FORMAT;
        goto out;
    }
    cn = cm_cert_cn(chain[0]);
    (void)snprintf(label, 80, "%.*s", (int)(cn.len < 79 ? cn.len : 79), (const char *)cn.ptr);
    out->family = "sgx";
    out->label = label;
    memcpy(out->spki_sha256, cm_cert_spki_sha256(chain[0]), 32);
    out->emulated = strstr(label, "EMULATED") != NULL;
out:
    cm_certs_free(set);
    free(pem);
    return st;
}

static const char *question_of(const char *name)
{
    for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
        if (strcmp(questions[i].name, name) == 0) {
            return questions[i].question;
        }
    }
    return "";
}

static void print_checks(const struct cm_evidence *ev, FILE *out)
{
    static const char *const words[] = {
        [CM_CHECK_NOT_CHECKED] = "-",
        [CM_CHECK_PASS] = "pass",
        [CM_CHECK_FAIL] = "FAIL",
        [CM_CHECK_NOT_APPLICABLE] = "n/a",
    };
    const char *const indent = "                              ";
    const struct cm_check *c = NULL;

    for (size_t i = 0; (c = cm_evidence_check(ev, 0, i)) != NULL; i++) {
        (void)fprintf(out, "  %-5s %-22s%s\n", words[c->result], c->name, question_of(c->name));
        if (c->result == CM_CHECK_FAIL) {
            cm_print_wrapped(out, indent, cm_status_str(c->status));
        }
        if (c->result != CM_CHECK_NOT_APPLICABLE && c->detail[0] != '\0') {
            cm_print_wrapped(out, indent, c->detail);
        }
    }
}

/* Claims that a person asks for; --json has all of them. */
static void print_claims(const struct cm_evidence *ev, FILE *out)
{
    static const char *const names[] = {
        CM_CLAIM_TCB_STATUS, "tcb.platform_status", "tcb.qe_status",      "tcb.module_status",
        CM_CLAIM_TCB_DATE,   CM_CLAIM_ADVISORY,     "tcb.current_status", CM_CLAIM_NOT_AFTER,
        "pck.fmspc",         CM_CLAIM_DBGSTAT,      CM_CLAIM_EMULATED,    "sgx.mrenclave",
        "sgx.mrsigner",      "sgx.isvprodid",       "sgx.isvsvn",         "tdx.mrtd",
        "tdx.rtmr0",         "tdx.rtmr1",           "tdx.rtmr2",          "tdx.rtmr3",
        CM_CLAIM_REPORT_DATA};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const struct cm_claim *c = NULL;
        char text[24] = "";

        for (size_t n = 0; (c = cm_evidence_find(ev, 0, names[i], n)) != NULL; n++) {
            if (c->type == CM_CLAIM_TYPE_TEXT) {
                cm_cli_field(out, names[i], c->text);
            } else if (c->type == CM_CLAIM_TYPE_TIME) {
                cm_time_text(c->number, text);
                cm_cli_field(out, names[i], text);
            } else if (c->type == CM_CLAIM_TYPE_BOOL) {
                cm_cli_field(out, names[i], c->number != 0 ? "yes" : "no");
            } else if (c->type == CM_CLAIM_TYPE_UINT) {
                (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)c->number);
                cm_cli_field(out, names[i], text);
            } else {
                cm_cli_field_bytes(out, names[i], c->bytes, c->len);
            }
        }
    }
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

static enum cm_status print_json(const struct cm_cli_verify *v, enum cm_status verdict,
                                 const struct cm_cli_quote_file *file, const struct cm_evidence *ev,
                                 FILE *out)
{
    char *inner = malloc(JSON_CAP);
    char *whole = malloc(JSON_CAP + 1024);
    struct cm_json_wr w = {0};
    char time[24] = "";
    size_t len = 0;
    enum cm_status st = CM_OK;

    if (inner == NULL || whole == NULL) {
        st = CM_ERR_NOMEM;
        goto out;
    }
    w = cm_json_wr_init(whole, JSON_CAP + 1024);
    cm_time_text(v->time, time);
    cm_json_wr_object(&w);
    cm_cli_json_bool(&w, "accepted", verdict == CM_OK);
    cm_cli_json_u64(&w, "exit_status", (uint64_t)cm_cli_verify_exit(verdict));
    cm_cli_json_str(&w, "reason", cm_status_str(verdict));
    cm_cli_json_str(&w, "time", time);
    cm_cli_json_u64(&w, "unverified_bytes_behind_quote", file->rest.len);
    if (ev != NULL) {
        CM_TRY(cm_evidence_json(ev, inner, JSON_CAP, &len));
        cm_json_wr_name(&w, "evidence");
        cm_json_wr_raw(&w, cm_span_make(inner, len));
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

static void print_all(const struct cm_cli_verify *v, const struct cm_trust_root *root,
                      enum cm_status st, const struct cm_evidence *ev, FILE *out)
{
    char time[24] = "";

    cm_time_text(v->time, time);
    (void)fprintf(out, "At %s, under the root \"%s\"%s:\n\n", time, root->label,
                  root->emulated ? " (EMULATED)" : "");
    print_checks(ev, out);
    (void)fprintf(out, "\nThe evidence says%s:\n\n",
                  st == CM_OK ? "" : " (refused: do not rely on it)");
    print_claims(ev, out);
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

enum cm_status cm_cli_verify(const struct cm_cli_verify *v, FILE *out, struct cm_why *why)
{
    struct cm_collateral_parts *parts = NULL;
    struct cm_dcap_collateral collateral;
    struct cm_trust_root root = *cm_dcap_intel_root();
    struct cm_verify_input in = {.now = v->time, .roots = &root, .root_count = 1};
    struct cm_floor_file *floors = NULL;
    struct cm_evidence *ev = NULL;
    char folder[4096] = "";
    char label[80] = "";
    struct cm_cli_quote_file file = {0};
    enum cm_status st = CM_OK;

    in.flags = v->flags;
    in.report_data =
        cm_span_make(v->report_data_len == 0 ? NULL : v->report_data, v->report_data_len);
    CM_TRY(cm_cli_quote_open(v->quote, &file, why));
    folder_of(v->quote, folder, sizeof(folder));
    CM_TRY(cm_parts_load(v->collateral != NULL ? v->collateral : folder, &parts, why));
    collateral = cm_parts_view(parts);
    if (v->root != NULL) {
        CM_TRY(load_root(v->root, label, &root, why));
    }
    if (v->floors != NULL) {
        CM_TRY(open_floors(v->floors, &floors, why));
        in.floors = cm_floor_file_floors(floors, &in.floor_count);
    }
    st = cm_dcap_verify(file.quote, &collateral, &in, v->accept, NULL, &ev);
    if (floors != NULL && ev != NULL) {
        enum cm_status raised = cm_floor_file_raise(floors, ev, why);

        if (raised != CM_OK) { /* a verdict that the next run could contradict is none */
            st = CM_ERR_IO;
            goto out;
        }
    }
    if (v->json) {
        enum cm_status printed = print_json(v, st, &file, ev, out);

        st = printed == CM_OK ? st : printed;
    } else if (ev != NULL) {
        cm_cli_quote_note(&file, out);
        print_all(v, &root, st, ev, out);
        print_verdict(st, out);
    } else {
        struct cm_quote q;
        enum cm_status parsed = cm_quote_parse(file.quote, &q, why);

        cm_why_set(why, "%s", cm_status_str(parsed == CM_OK ? st : parsed));
    }
out:
    cm_floor_file_close(floors);
    cm_evidence_free(ev);
    cm_parts_free(parts);
    cm_cli_quote_close(&file);
    return st;
}
