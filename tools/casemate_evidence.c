/* casemate quote show, casemate verify: see casemate_evidence.h. */
#include "casemate_evidence.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "casemate_args.h"
#include "cli/cli_evidence.h"
#include "common/hex.h"
#include "evidence/timefmt.h"

static const char help_quote[] =
    "Usage: casemate quote show FILE\n"
    "\n"
    "Prints every field of an SGX or TDX quote (versions 3, 4, 5) with its meaning.\n"
    "Nothing is verified: see casemate verify. FILE may also be evidence with an\n"
    "attestation header or a remote report.\n"
    "\n"
    "Exit status: 0 done, 1 the file cannot be read, 2 wrong usage, 3 it is no quote.\n";

static const char help_verify[] =
    "Usage: casemate verify [options] FILE\n"
    "\n"
    "Verifies an SGX or TDX quote, offline, and prints every check with its result.\n"
    "FILE may also be evidence with an attestation header, whose custom claims are\n"
    "not looked at (oeverify does), or a remote report.\n"
    "\n"
    "  --collateral PATH    a folder with tcb_info.json, tcb_info_issuer_chain.pem,\n"
    "                       qe_identity.json, qe_identity_issuer_chain.pem,\n"
    "                       root_ca_crl.der, pck_crl.der [, pck_chain.pem], or one\n"
    "                       JSON bundle of them; default: the folder of FILE\n"
    "  --time T             seconds since 1970 or 2026-01-31T23:59:59Z; default: now\n"
    "  --accept STATUS,...  accept these TCB statuses beside UpToDate\n"
    "  --report-data HEX    the report data must begin with these bytes\n"
    "  --root FILE          trust this root certificate (PEM) instead of Intel's\n"
    "  --floors FILE        refuse what is older than FILE says, and raise FILE to\n"
    "                       what was seen; it is made when missing\n"
    "  --allow-debug        accept debug enclaves: they protect nothing\n"
    "  --allow-emulated     accept an emulator's evidence: it protects nothing\n"
    "  --json               all checks and claims, for programs\n"
    "\n"
    "Exit status: 0 genuine and accepted; 1 a file or the environment; 2 wrong usage;\n"
    "3 malformed or unsupported; 4 a signature does not verify; 5 parts do not belong\n"
    "together, or no TCB level matches; 6 expired or not valid yet; 7 revoked;\n"
    "8 policy: untrusted root, debug, emulated, or a TCB status not accepted.\n";

static int failed(enum cm_status st, const struct cm_why *why)
{
    cm_print_wrapped(stderr, "casemate: ", why->text[0] != '\0' ? why->text : cm_status_str(st));
    return cm_cli_verify_exit(st);
}

int cm_command_quote(int argc, char **argv)
{
    struct cm_why why = {{0}};
    enum cm_status st = CM_OK;

    if (argc >= 1 && is_help(argv[argc - 1])) {
        return help(help_quote);
    }
    if (argc != 2 || strcmp(argv[0], "show") != 0 || argv[1][0] == '-') {
        return usage("quote: the usage is casemate quote show FILE", "");
    }
    st = cm_cli_quote_show(argv[1], stdout, &why);
    return st == CM_OK ? 0 : failed(st, &why);
}

static bool parse_time(const char *text, uint64_t *out)
{
    char *end = NULL;

    if (cm_time_parse(cm_span_make(text, strlen(text)), out) == CM_OK) {
        return true;
    }
    if (text[0] < '0' || text[0] > '9' || strlen(text) > 12) {
        return false;
    }
    *out = strtoull(text, &end, 10);
    return *end == '\0' && *out != 0;
}

/* names separated by commas, as the collateral spells them */
static bool parse_accept(const char *text, unsigned *out)
{
    while (*text != '\0') {
        size_t len = strcspn(text, ",");
        unsigned tcb = CM_DCAP_SW_HARDENING_NEEDED;

        while (tcb < CM_DCAP_REVOKED &&
               (strlen(cm_dcap_tcb_str((enum cm_dcap_tcb)tcb)) != len ||
                memcmp(cm_dcap_tcb_str((enum cm_dcap_tcb)tcb), text, len) != 0)) {
            tcb++;
        }
        if (tcb == CM_DCAP_REVOKED) {
            return false;
        }
        *out |= CM_DCAP_ACCEPT(tcb);
        text += len + (text[len] == ',' ? 1 : 0);
    }
    return *out != 0;
}

static bool parse_report_data(const char *text, struct cm_cli_verify *v)
{
    const size_t n = strlen(text) / 2;

    if (n == 0 || n > sizeof(v->report_data) ||
        !cm_hex_decode(cm_span_make(text, strlen(text)), v->report_data, n)) {
        return false;
    }
    v->report_data_len = n;
    return true;
}

/* an option with a value; false after a message */
static bool parse_value(const char *option, const char *value, struct cm_cli_verify *v)
{
    bool good = true;

    if (strcmp(option, "--collateral") == 0) {
        v->collateral = value;
    } else if (strcmp(option, "--floors") == 0) {
        v->floors = value;
    } else if (strcmp(option, "--root") == 0) {
        v->root = value;
    } else if (strcmp(option, "--time") == 0) {
        good = parse_time(value, &v->time);
    } else if (strcmp(option, "--accept") == 0) {
        good = parse_accept(value, &v->accept);
    } else if (strcmp(option, "--report-data") == 0) {
        good = parse_report_data(value, v);
    } else {
        (void)usage("verify: unknown option ", option);
        return false;
    }
    if (!good) {
        char problem[64] = "";

        (void)snprintf(problem, sizeof(problem), "verify %s: not understood: ", option);
        (void)usage(problem, value);
    }
    return good;
}

static bool parse_verify(int argc, char **argv, struct cm_cli_verify *v)
{
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            v->json = true;
        } else if (strcmp(argv[i], "--allow-debug") == 0) {
            v->flags |= CM_VERIFY_ALLOW_DEBUG;
        } else if (strcmp(argv[i], "--allow-emulated") == 0) {
            v->flags |= CM_VERIFY_ALLOW_EMULATED;
        } else if (argv[i][0] == '-' && i + 1 < argc) {
            if (!parse_value(argv[i], argv[i + 1], v)) {
                return false;
            }
            i++;
        } else if (argv[i][0] == '-') {
            (void)usage("verify: unknown option, or its value is missing: ", argv[i]);
            return false;
        } else if (v->quote != NULL) {
            (void)usage("verify takes one FILE, not also ", argv[i]);
            return false;
        } else {
            v->quote = argv[i];
        }
    }
    if (v->quote == NULL) {
        (void)usage("verify needs a FILE with a quote", "");
        return false;
    }
    return true;
}

int cm_command_verify(int argc, char **argv)
{
    struct cm_cli_verify v = {0};
    struct cm_why why = {{0}};
    time_t now = time(NULL);
    enum cm_status st = CM_OK;

    if (argc >= 1 && is_help(argv[argc - 1])) {
        return help(help_verify);
    }
    v.time = now > 0 ? (uint64_t)now : 0;
    if (!parse_verify(argc, argv, &v)) {
        return EXIT_USAGE;
    }
    st = cm_cli_verify(&v, stdout, &why);
    if (fflush(stdout) != 0 && st == CM_OK) {
        st = CM_ERR_IO; /* a verdict that nobody could read is none */
        return failed(st, &why);
    }
    if (why.text[0] != '\0') {
        return failed(st, &why);
    }
    return cm_cli_verify_exit(st);
}
