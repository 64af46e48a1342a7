/* oeverify: evidence from a file against endorsements, as the Open Enclave SDK's tool of that name. */
#include <casemate/attest.h>
#include <openenclave/attestation/sgx/evidence.h>
#include <openenclave/attestation/tdx/evidence.h>
#include <openenclave/attestation/verifier.h>
#include <openenclave/host.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attest/attest_wire.h"
#include "casemate_args.h"
#include "evidence/timefmt.h"
#include "oe_show.h"

static const char help_text[] =
    "Usage: oeverify -r EVIDENCE [-e ENDORSEMENTS] [-f FORMAT] [-b DATE]\n"
    "       oeverify -c CERTIFICATE [-b DATE]\n"
    "       oeverify -g -r EVIDENCE\n"
    "\n"
    "Verifies evidence that an enclave or a TD has made, and prints its claims.\n"
    "\n"
    "  -r FILE          evidence, a remote report or a quote\n"
    "  -c FILE          an attestation certificate in DER, with evidence of its key;\n"
    "                   its endorsements are fetched\n"
    "  -e FILE          endorsements; without, they are fetched (docs/quoting.md)\n"
    "  -f FORMAT        SGX_ECDSA (default), LEGACY_REPORT_REMOTE,\n"
    "                   RAW_SGX_QUOTE_ECDSA or TDX_QUOTE_ECDSA; evidence with an\n"
    "                   attestation header names its own\n"
    "  -b DATE          TCB baseline, such as 2026-01-31: a platform whose TCB is\n"
    "                   not older counts as up to date\n"
    "  -g               print the FMSPC of the quote; nothing is verified\n"
    "  --allow-debug    accept debug enclaves: they protect nothing\n"
    "\n"
    "Evidence of the emulator is refused unless CASEMATE_ACCEPT_EMULATED=1.\n"
    "Exit status: 0 verified, 1 not, 2 wrong usage. (Open Enclave's tool ends with\n"
    "0 in either case.)\n";

struct options {
    const char *evidence; /* or the certificate */
    bool certificate;
    const char *endorsements;
    oe_uuid_t format; /* -f, or the default */
    bool has_format;
    int64_t baseline;
    bool has_baseline;
    bool fmspc;
};

static int misuse(const char *problem, const char *detail)
{
    return misuse_of("oeverify: ", "oeverify", problem, detail);
}

/* A date, or a date and a time. */
static bool parse_date(const char *text, struct options *o)
{
    char whole[40] = "";
    uint64_t t = 0;

    (void)snprintf(whole, sizeof(whole), "%.24s%s", text, strlen(text) == 10 ? "T00:00:00Z" : "");
    if (cm_time_parse(cm_span_make(whole, strlen(whole)), &t) != CM_OK) {
        return false;
    }
    o->baseline = (int64_t)t;
    o->has_baseline = true;
    return true;
}

static int parse_value(const char *option, const char *value, struct options *o)
{
    if (strcmp(option, "-r") == 0 || strcmp(option, "-c") == 0) {
        if (o->evidence != NULL) {
            return misuse("one -r or one -c, not two", "");
        }
        o->evidence = value;
        o->certificate = option[1] == 'c';
    } else if (strcmp(option, "-e") == 0) {
        o->endorsements = value;
    } else if (strcmp(option, "-f") == 0) {
        if (!oe_show_format(value, &o->format)) {
            return misuse("unknown format, or one without verification: ", value);
        }
        o->has_format = true;
    } else if (strcmp(option, "-b") == 0) {
        if (!parse_date(value, o)) {
            return misuse("not a date: ", value);
        }
    } else {
        return misuse("unknown option ", option);
    }
    return 0;
}

static int parse(int argc, char **argv, struct options *o)
{
    for (int i = 1; i < argc; i++) {
        int code = 0;

        if (strcmp(argv[i], "-g") == 0) {
            o->fmspc = true;
        } else if (strcmp(argv[i], "--allow-debug") == 0) {
            cm_attest_accept_debug();
        } else if (i + 1 < argc) {
            code = parse_value(argv[i], argv[i + 1], o);
            i++;
        } else {
            code = misuse("unknown option, or its value is missing: ", argv[i]);
        }
        if (code != 0) {
            return code;
        }
    }
    if (o->certificate && (o->fmspc || o->endorsements != NULL)) {
        return misuse("-c goes with neither -e nor -g", "");
    }
    return o->evidence != NULL ? 0 : misuse("evidence is missing: -r FILE", "");
}

/*
 * The format to verify as: what an attestation header before the evidence says, else the option or
 * its default. NULL when endorsements with headers of their own are left to the API to compare;
 * endorsements without one belong to the evidence behind its header. False: -f says something else.
 */
static bool choose_format(const struct options *o, struct cm_span *evidence,
                          struct cm_span endorsements, oe_uuid_t *named, const oe_uuid_t **out)
{
    struct cm_span inner = {NULL, 0};
    struct cm_span unused = {NULL, 0};
    oe_uuid_t other;

    *out = &o->format;
    if (cm_attest_unwrap(*evidence, named, &inner) != OE_OK) {
        return true;
    }
    if (o->has_format && !cm_uuid_equal(named, &o->format)) {
        return false;
    }
    if (endorsements.ptr == NULL || cm_attest_unwrap(endorsements, &other, &unused) == OE_OK) {
        *out = NULL;
    } else {
        *evidence = inner;
        *out = named;
    }
    return true;
}

static oe_result_t verify(const struct options *o, struct cm_span evidence,
                          struct cm_span endorsements)
{
    int64_t baseline = o->baseline;
    const oe_policy_t policy = {OE_POLICY_TCB_BASELINE_DATE, &baseline, sizeof(baseline)};
    const oe_policy_t *policies = o->has_baseline ? &policy : NULL;
    const size_t policy_count = o->has_baseline ? 1 : 0;
    const oe_uuid_t *format = NULL;
    oe_uuid_t named;
    oe_claim_t *claims = NULL;
    size_t count = 0;
    oe_result_t result = OE_OK;

    if (!o->certificate && !choose_format(o, &evidence, endorsements, &named, &format)) {
        cm_print_wrapped(stderr, "oeverify: ",
                         "the evidence's header names another format than -f; leave out -f");
        return OE_INVALID_PARAMETER;
    }
    result = oe_verifier_initialize();
    if (result == OE_OK) {
        result = oe_tdx_verifier_initialize();
    }
    if (result == OE_OK && o->certificate) {
        result = oe_verify_attestation_certificate_with_evidence_v2(
            evidence.ptr, evidence.len, NULL, 0, policies, policy_count, &claims, &count);
    } else if (result == OE_OK) {
        result = oe_verify_evidence(format, evidence.ptr, evidence.len, endorsements.ptr,
                                    endorsements.len, policies, policy_count, &claims, &count);
    }
    if (count != 0) {
        (void)printf("%s", result == OE_OK ? "" : "Refused: do not rely on what follows.\n");
        oe_show_claims(claims, count);
    }
    (void)oe_free_claims(claims, count);
    (void)oe_tdx_verifier_shutdown();
    (void)oe_verifier_shutdown();
    return result;
}

static int run(const struct options *o)
{
    size_t evidence_size = 0;
    size_t endorsements_size = 0;
    uint8_t *endorsements = NULL;
    uint8_t *evidence = oe_show_read("oeverify", o->evidence, &evidence_size);
    oe_result_t result = OE_FAILURE;
    int code = EXIT_FAILED;

    if (evidence == NULL) {
        return EXIT_FAILED;
    }
    if (o->fmspc) {
        code = oe_show_fmspc("oeverify", cm_span_make(evidence, evidence_size));
        goto out;
    }
    if (o->endorsements != NULL) {
        endorsements = oe_show_read("oeverify", o->endorsements, &endorsements_size);
        if (endorsements == NULL) {
            goto out;
        }
    }
    result = verify(o, cm_span_make(evidence, evidence_size),
                    cm_span_make(endorsements, endorsements_size));
    (void)printf("Evidence verification %s (%s).\n", result == OE_OK ? "succeeded" : "failed",
                 oe_result_str(result));
    code = result == OE_OK ? 0 : EXIT_FAILED;
out:
    free(endorsements);
    free(evidence);
    return code;
}

int main(int argc, char **argv)
{
    struct options o = {.format = {OE_FORMAT_UUID_SGX_ECDSA}};
    struct cm_why why = {""};
    int code = 0;

    if (argc < 2) {
        (void)fputs(help_text, stderr);
        return EXIT_USAGE;
    }
    if (is_help(argv[argc - 1])) {
        code = help(help_text);
    } else {
        code = parse(argc, argv, &o);
        code = code != 0 ? code : run(&o);
    }
    if (cm_stdout_finish(&why) != CM_OK) {
        cm_print_wrapped(stderr, "oeverify: ", why.text);
        return code != 0 ? code : EXIT_FAILED;
    }
    return code;
}
