/* See cli_verify_print.h. */
#include "cli/cli_verify_print.h"

#include <inttypes.h>
#include <string.h>

#include "cli/cli_text.h"
#include "evidence/timefmt.h"
#include "os/os.h"

#define SHOWN_BYTES  96u /* of one claim; --json has more */
#define SHOWN_CLAIMS 96u /* of one authority */
#define SHOWN_TEXT   58u /* on a line */

static const char *const words[] = {
    [CM_CHECK_NOT_CHECKED] = "-",
    [CM_CHECK_PASS] = "pass",
    [CM_CHECK_FAIL] = "FAIL",
    [CM_CHECK_NOT_APPLICABLE] = "n/a",
};

/* Text of strangers in printable ASCII, so that no terminal obeys it. */
static const char *plain(char *out, size_t cap, const char *raw)
{
    size_t n = 0;

    for (; raw[n] != '\0' && n + 1 < cap; n++) {
        out[n] = '?';
        if (raw[n] >= ' ' && raw[n] <= '~') {
            out[n] = raw[n];
        }
    }
    out[n] = '\0';
    return out;
}

static void print_submod_checks(const struct cm_evidence *ev, size_t submod, FILE *out)
{
    const char *const indent = "                              ";
    const struct cm_check *c = NULL;
    char text[300] = "";

    for (size_t i = 0; (c = cm_evidence_check(ev, submod, i)) != NULL; i++) {
        (void)fprintf(out, "  %-5s %-22s%s%s\n", words[c->result], c->name,
                      strlen(c->name) > 21 && cm_cli_question(c->name)[0] != '\0'
                          ? "\n                              "
                          : "",
                      cm_cli_question(c->name));
        if (c->result == CM_CHECK_FAIL) {
            cm_print_wrapped(out, indent, cm_status_str(c->status));
        }
        if (c->result != CM_CHECK_NOT_APPLICABLE && c->detail[0] != '\0') {
            cm_print_wrapped(out, indent, plain(text, sizeof(text), c->detail));
        }
    }
}

void cm_cli_print_checks(const struct cm_evidence *ev, FILE *out)
{
    const size_t count = cm_evidence_submods(ev);
    const struct cm_binding *b = NULL;
    char lead[16] = "";
    char text[400] = "";

    for (size_t i = 0; i < count; i++) {
        if (count > 1) {
            (void)fprintf(out, "%s%s: %s\n", i == 0 ? "" : "\n", cm_evidence_name(ev, i),
                          cm_evidence_genuine(ev, i) ? "genuine" : "NOT genuine");
        }
        print_submod_checks(ev, i, out);
    }
    for (size_t i = 0; (b = cm_evidence_binding(ev, i)) != NULL; i++) {
        (void)fprintf(out, "%s", i == 0 ? "\nWhat binds the parts together:\n" : "");
        (void)snprintf(lead, sizeof(lead), "  %-5s ", words[b->result]);
        (void)snprintf(text, sizeof(text), "%s vouches for %s: %s", cm_evidence_name(ev, b->from),
                       cm_evidence_name(ev, b->to), b->name);
        cm_print_wrapped(out, lead, text);
    }
}

static void print_claim(const struct cm_claim *c, const char *lead, FILE *out)
{
    char text[320] = "";

    switch (c->type) {
    case CM_CLAIM_TYPE_TEXT:
        for (const char *at = c->text;; lead = "") { /* pieces of a line */
            size_t n = strnlen(at, SHOWN_TEXT);

            (void)snprintf(text, sizeof(text), "%.*s", (int)n, at);
            cm_cli_field(out, lead, text);
            at += n;
            if (*at == '\0') {
                return;
            }
        }
    case CM_CLAIM_TYPE_TIME:
        cm_time_text(c->number, text);
        break;
    case CM_CLAIM_TYPE_BOOL:
        (void)snprintf(text, sizeof(text), "%s", c->number != 0 ? "yes" : "no");
        break;
    case CM_CLAIM_TYPE_UINT:
        (void)snprintf(text, sizeof(text), "%" PRIu64, c->number);
        break;
    case CM_CLAIM_TYPE_BYTES:
    case CM_CLAIM_TYPE_DIGEST:
        cm_cli_field_bytes(out, lead, c->bytes, c->len < SHOWN_BYTES ? c->len : SHOWN_BYTES);
        if (c->len > SHOWN_BYTES) {
            (void)snprintf(text, sizeof(text), "... %zu bytes in all", c->len);
            cm_cli_field(out, "", text);
        } else if (c->len == 0) {
            cm_cli_field(out, lead, "(empty)");
        }
        return;
    }
    cm_cli_field(out, lead, text);
}

void cm_cli_print_quote_claims(const struct cm_evidence *ev, FILE *out)
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

        for (size_t n = 0; (c = cm_evidence_find(ev, 0, names[i], n)) != NULL; n++) {
            print_claim(c, names[i], out);
        }
    }
}

/* "pcr7 sha-256"; names that leave no room for a value stand alone on their line. */
static void print_named(FILE *out, const struct cm_claim *c)
{
    char name[96] = "";
    char text[96] = "";

    if (c->type == CM_CLAIM_TYPE_DIGEST) {
        (void)snprintf(name, sizeof(name), "%s %s", c->text, c->alg);
    } else {
        (void)snprintf(name, sizeof(name), "%s", c->name);
    }
    (void)plain(text, sizeof(text), name);
    if (strlen(text) > 19) {
        (void)fprintf(out, "  %s\n", text);
        text[0] = '\0';
    }
    print_claim(c, text, out);
}

/* The claims of one authority, or of all (-1); how many there are. */
static size_t print_group(const struct cm_evidence *ev, size_t submod, int authority,
                          const char *heading, FILE *out)
{
    const struct cm_claim *c = NULL;
    size_t count = 0;

    for (size_t i = 0; (c = cm_evidence_claim(ev, submod, i)) != NULL; i++) {
        if (authority >= 0 && (int)c->authority != authority) {
            continue;
        }
        if (count == 0) {
            (void)fprintf(out, "%s\n", heading);
        }
        if (count++ < SHOWN_CLAIMS) {
            print_named(out, c);
        }
    }
    if (count > SHOWN_CLAIMS) {
        (void)fprintf(out, "  ... and %zu more: see --json\n", count - SHOWN_CLAIMS);
    }
    return count;
}

void cm_cli_print_claims(const struct cm_evidence *ev, bool verified, FILE *out)
{
    static const char *const headings[] = {
        [CM_AUTHORITY_SELF] = "Nobody vouches for:",
        [CM_AUTHORITY_KEY] = "Signed by a key that the hardware vouches for:",
        [CM_AUTHORITY_ENDORSER] = "The maker states:",
        [CM_AUTHORITY_HARDWARE] = "Signed by the hardware:",
    };
    const size_t count = cm_evidence_submods(ev);
    char heading[80] = "";

    for (size_t i = 0; i < count; i++) {
        if (!verified) {
            (void)snprintf(heading, sizeof(heading), "\n%s", cm_evidence_name(ev, i));
            (void)print_group(ev, i, -1, heading, out);
            continue;
        }
        for (int a = CM_AUTHORITY_HARDWARE; a >= CM_AUTHORITY_SELF; a--) {
            (void)snprintf(heading, sizeof(heading), "\n%s%s%s",
                           count > 1 ? cm_evidence_name(ev, i) : "", count > 1 ? ". " : "",
                           headings[a]);
            (void)print_group(ev, i, a, heading, out);
        }
    }
}
