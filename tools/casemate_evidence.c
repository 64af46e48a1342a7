/* casemate quote show, casemate verify: see casemate_evidence.h. */
#include "casemate_evidence.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "casemate_args.h"
#include "cli/cli_evidence.h"
#include "common/hex.h"
#include "evidence/timefmt.h"
#include "verify/material_kind.h"

static const char help_quote[] =
    "Usage: casemate quote show FILE\n"
    "\n"
    "Prints every field of an SGX or TDX quote (versions 3, 4, 5) with its meaning.\n"
    "Nothing is verified: see casemate verify. FILE may also be evidence with an\n"
    "attestation header or a remote report.\n"
    "\n"
    "Exit status: 0 done, 1 the file cannot be read, 2 wrong usage, 3 it is no quote.\n";

static const char help_evidence[] =
    "Usage: casemate evidence show [--json] FILE\n"
    "\n"
    "Prints what evidence of any TEE says of itself: a quote (SGX, TDX), a report of\n"
    "AMD SEV-SNP, a document of AWS Nitro Enclaves, a TPM's quote, evidence of the\n"
    "confidential VMs of Azure and Google, an Arm CCA or PSA token, evidence of\n"
    "OP-TEE or of NVIDIA GPUs. Nothing is verified: see casemate verify.\n"
    "\n"
    "Exit status: 0 done, 1 the file cannot be read, 2 wrong usage, 3 nothing that is\n"
    "known.\n";

static const char help_verify[] =
    "Usage: casemate verify [options] FILE\n"
    "\n"
    "Verifies evidence of any TEE, offline, and prints every check with its result.\n"
    "What FILE is, is recognised: dcap (an SGX or TDX quote), snp, nitro, tpm,\n"
    "azure-cvm, gce, gcp-token, cca, psa, optee, nvidia; also as hexadecimal, base64\n"
    "or armoured text. A quote may have an attestation header, whose custom claims\n"
    "are not looked at (oeverify does). No other file is taken unless it is named.\n"
    "\n"
    "  --format FORMAT      do not recognise FILE: it is this\n"
    "  --with [KIND:]FILE   something beside the evidence that is verified with it:\n"
    "                       certs, crl, signature, pcrs, eventlog, tpm-public, quote,\n"
    "                       request; told by its content unless KIND is given\n"
    "  --key FILE           TRUST this public key (PEM, DER, JWK, COSE)\n"
    "  --reference FILE     TRUST these reference values (CoRIM or JSON)\n"
    "  --firmware FILE      TRUST this firmware image: its measurement is expected\n"
    "  --root FILE          trust this root certificate instead of the makers'\n"
    "  --nonce HEX          the evidence must answer this challenge; for quotes and\n"
    "  --report-data HEX    reports: the report data must begin with these bytes\n"
    "  --time T             seconds since 1970 or 2026-01-31T23:59:59Z; default: now\n"
    "  --collateral PATH    of a quote: a folder with tcb_info.json,\n"
    "                       tcb_info_issuer_chain.pem, qe_identity.json,\n"
    "                       qe_identity_issuer_chain.pem, root_ca_crl.der,\n"
    "                       pck_crl.der [, pck_chain.pem], or one JSON bundle of\n"
    "                       them; default: the folder of FILE\n"
    "  --accept STATUS,...  of a quote: TCB statuses beside UpToDate\n"
    "  --floors FILE        refuse what is older than FILE says, and raise FILE to\n"
    "                       what was seen; it is made when missing\n"
    "  --allow-debug        accept debugging: such a TEE protects nothing\n"
    "  --allow-emulated     accept an emulator's evidence: it protects nothing\n"
    "  --allow-masked-id    SNP: accept a report that does not name its chip\n"
    "  --allow-migration    SNP: accept a guest that an agent may migrate\n"
    "  --allow-sha1         TPM: believe registers that only SHA-1 extends\n"
    "  --policy FILE        what genuine evidence must satisfy beside that: a\n"
    "                       policy in the language of docs/policy.md\n"
    "  --explain            every rule of the policy and what became of it\n"
    "  --json               all checks and claims, for programs\n"
    "  --ear FILE           write the appraisal (EAT Attestation Result) into FILE,\n"
    "                       also when the evidence is refused\n"
    "  --ear-form FORM      json (default), cbor, or jwt, which is signed\n"
    "  --ear-key FILE       sign it with this private key (PEM, P-256): jwt, cbor\n"
    "  --ear-profile NAME   its names: veraison (default) or ietf\n"
    "\n"
    "Exit status: 0 genuine and accepted; 1 a file or the environment, or something\n"
    "needed was not given; 2 wrong usage; 3 malformed or unsupported; 4 a signature\n"
    "does not verify; 5 parts do not belong together, or no TCB level matches;\n"
    "6 expired or not valid yet; 7 revoked; 8 policy: untrusted root, debug,\n"
    "emulated, a TCB status not accepted, or refused by the --policy.\n";

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

int cm_command_evidence(int argc, char **argv)
{
    struct cm_why why = {{0}};
    const bool json = argc >= 2 && strcmp(argv[1], "--json") == 0;
    enum cm_status st = CM_OK;

    if (argc >= 1 && is_help(argv[argc - 1])) {
        return help(help_evidence);
    }
    if (argc != (json ? 3 : 2) || strcmp(argv[0], "show") != 0 || argv[argc - 1][0] == '-') {
        return usage("evidence: the usage is casemate evidence show [--json] FILE", "");
    }
    st = cm_cli_evidence_show(argv[argc - 1], json, stdout, &why);
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

static bool parse_nonce(const char *text, struct cm_cli_verify *v)
{
    const size_t n = strlen(text) / 2;

    if (n == 0 || n > sizeof(v->nonce) ||
        !cm_hex_decode(cm_span_make(text, strlen(text)), v->nonce, n)) {
        return false;
    }
    v->nonce_len = n;
    return true;
}

static bool parse_format(const char *text, enum cm_format *out)
{
    for (int f = CM_FORMAT_ANY + 1; cm_format_name((enum cm_format)f) != NULL; f++) {
        if (strcmp(cm_format_name((enum cm_format)f), text) == 0) {
            *out = (enum cm_format)f;
            return true;
        }
    }
    return false;
}

/* a file beside the evidence; kind 0: "[KIND:]FILE" */
static bool add_material(const char *text, int kind, struct cm_cli_verify *v)
{
    struct cm_cli_material *m = &v->with[v->with_count];
    const char *colon = strchr(text, ':');

    if (v->with_count == CM_CLI_VERIFY_MATERIALS || text[0] == '\0') {
        return false;
    }
    m->path = text;
    m->by_content = kind == 0;
    m->kind = (enum cm_material_kind)kind;
    if (kind == 0 && colon != NULL && cm_material_named(text, (size_t)(colon - text), &m->kind)) {
        m->by_content = false;
        m->path = colon + 1;
    }
    v->with_count++;
    return m->path[0] != '\0';
}

static bool add_root(const char *path, struct cm_cli_verify *v)
{
    if (v->root_count == CM_CLI_VERIFY_ROOTS) {
        return false;
    }
    v->roots[v->root_count++] = path;
    return true;
}

/* one of the words, as its index; -1: none of them */
static int word_of(const char *value, const char *const *words, int count)
{
    for (int i = 0; i < count; i++) {
        if (strcmp(value, words[i]) == 0) {
            return i;
        }
    }
    return -1;
}

/* the options of the appraisal: --ear and those that begin so */
static bool parse_ear(const char *option, const char *value, struct cm_cli_verify *v)
{
    static const char *const forms[] = {"json", "cbor", "jwt"};
    static const char *const profiles[] = {"veraison", "ietf"};
    int word = 0;

    if (strcmp(option, "--ear") == 0) {
        v->ear = value;
    } else if (strcmp(option, "--ear-key") == 0) {
        v->ear_key = value;
    } else if (strcmp(option, "--ear-form") == 0) {
        word = word_of(value, forms, 3);
        v->ear_form = (enum cm_ear_form)(word < 0 ? 0 : word);
    } else {
        word = strcmp(option, "--ear-profile") == 0 ? word_of(value, profiles, 2) : -1;
        v->ear_profile = (enum cm_ear_profile)(word < 0 ? 0 : word);
    }
    return word >= 0;
}

/* an option with a value; false after a message */
static bool parse_value(const char *option, const char *value, struct cm_cli_verify *v)
{
    bool good = true;

    if (strncmp(option, "--ear", 5) == 0) {
        good = parse_ear(option, value, v);
    } else if (strcmp(option, "--collateral") == 0) {
        v->collateral = value;
    } else if (strcmp(option, "--floors") == 0) {
        v->floors = value;
    } else if (strcmp(option, "--policy") == 0) {
        good = v->policy == NULL;
        v->policy = value;
    } else if (strcmp(option, "--root") == 0) {
        good = add_root(value, v);
    } else if (strcmp(option, "--format") == 0) {
        good = parse_format(value, &v->format);
    } else if (strcmp(option, "--with") == 0) {
        good = add_material(value, 0, v);
    } else if (strcmp(option, "--key") == 0) {
        good = add_material(value, CM_MATERIAL_KEY, v);
    } else if (strcmp(option, "--reference") == 0) {
        good = add_material(value, CM_MATERIAL_REFERENCE, v);
    } else if (strcmp(option, "--firmware") == 0) {
        good = add_material(value, CM_MATERIAL_FIRMWARE, v);
    } else if (strcmp(option, "--time") == 0) {
        good = parse_time(value, &v->time);
    } else if (strcmp(option, "--accept") == 0) {
        good = parse_accept(value, &v->accept);
    } else if (strcmp(option, "--report-data") == 0 || strcmp(option, "--nonce") == 0) {
        good = v->nonce_len == 0 && parse_nonce(value, v);
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

/* an option that allows what is refused by default */
static bool allowed(const char *option, unsigned *flags)
{
    static const struct {
        const char *option;
        unsigned flag;
    } options[] = {{"--allow-debug", CM_VERIFY_ALLOW_DEBUG},
                   {"--allow-emulated", CM_VERIFY_ALLOW_EMULATED},
                   {"--allow-masked-id", CM_VERIFY_ALLOW_MASKED_ID},
                   {"--allow-migration", CM_VERIFY_ALLOW_MIGRATION},
                   {"--allow-sha1", CM_VERIFY_ALLOW_SHA1}};

    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        if (strcmp(option, options[i].option) == 0) {
            *flags |= options[i].flag;
            return true;
        }
    }
    return false;
}

static bool parse_verify(int argc, char **argv, struct cm_cli_verify *v)
{
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            v->json = true;
        } else if (allowed(argv[i], &v->flags)) {
            continue;
        } else if (strcmp(argv[i], "--explain") == 0) {
            v->explain = true;
        } else if (argv[i][0] == '-' && i + 1 < argc) {
            if (!parse_value(argv[i], argv[i + 1], v)) {
                return false;
            }
            i++;
        } else if (argv[i][0] == '-') {
            (void)usage("verify: unknown option, or its value is missing: ", argv[i]);
            return false;
        } else if (v->file != NULL) {
            (void)usage("verify takes one FILE, not also ", argv[i]);
            return false;
        } else {
            v->file = argv[i];
        }
    }
    if (v->ear == NULL && (v->ear_key != NULL || v->ear_form != CM_EAR_JSON)) {
        (void)usage("verify: --ear-form and --ear-key are about --ear, which is not given", "");
        return false;
    }
    if ((v->ear_key == NULL) != (v->ear_form != CM_EAR_JWT) && v->ear_form != CM_EAR_CBOR) {
        (void)usage("verify: --ear-form jwt needs an --ear-key, and json takes none", "");
        return false;
    }
    if (v->explain && v->policy == NULL) {
        (void)usage("verify: --explain is about --policy, which is not given", "");
        return false;
    }
    if (v->file == NULL) {
        (void)usage("verify needs a FILE with evidence", "");
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
    v.ear_build = "casemate " CM_VERSION;
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
