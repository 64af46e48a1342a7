/* Making evidence with an enclave of our own; see oeutil_generate.h. */
#include "oeutil_generate.h"

#include <casemate/attest.h>
#include <openenclave/attestation/sgx/evidence.h>
#include <openenclave/attestation/verifier.h>
#include <openenclave/host.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "casemate_args.h"
#include "cli/cli.h"
#include "common/wipe.h"
#include "oe_show.h"
#include "oeutil_u.h"

#define EVIDENCE_CAP     ((size_t)32 * 1024)
#define ENDORSEMENTS_CAP ((size_t)128 * 1024)

const char oeutil_help_generate[] =
    "Usage: oeutil generate-evidence -f FORMAT [options]\n"
    "\n"
    "Makes evidence of an enclave of its own (a debug enclave; for trying out only).\n"
    "\n"
    "  -f, --format FORMAT       SGX_ECDSA or LEGACY_REPORT_REMOTE, or\n"
    "  -f, --format cert K P     a certificate with SGX_ECDSA evidence, in DER, of\n"
    "                            the private key in file K and the public key in P,\n"
    "                            in PEM; not keys that protect anything\n"
    "  -p, --quote-proc in|out   quoting in this process, or by AESM\n"
    "  -o, --out FILE            the evidence\n"
    "  -e, --endorsements FILE   its endorsements\n"
    "  -v, --verify              verify it\n"
    "  -l, --log FILE            messages into FILE\n"
    "      --verbose             print what was verified\n"
    "\n"
    "Options and values are taken in any case. On a machine without SGX set\n"
    "OE_SIMULATION=1; -v then also needs CASEMATE_ACCEPT_EMULATED=1.\n";

struct options {
    const char *format;
    oe_uuid_t id;
    bool report;             /* LEGACY_REPORT_REMOTE */
    const char *private_key; /* of a certificate: both files or none */
    const char *public_key;
    const char *out;
    const char *endorsements;
    const char *log;
    bool verify;
    bool verbose;
};

struct made {
    uint8_t evidence[EVIDENCE_CAP];
    size_t size;
    uint8_t endorsements[ENDORSEMENTS_CAP];
    size_t endorsements_size;
};

static int misuse(const char *problem, const char *detail)
{
    return misuse_of("oeutil: ", "oeutil generate-evidence", problem, detail);
}

static bool is(const char *arg, const char *brief, const char *full)
{
    return strcasecmp(arg, brief) == 0 || strcasecmp(arg, full) == 0;
}

static int set_format(const char *value, struct options *o)
{
    o->format = value;
    o->private_key = NULL;
    o->public_key = NULL;
    o->report = strcasecmp(value, "LEGACY_REPORT_REMOTE") == 0;
    if (!oe_show_format(value, &o->id) || (!o->report && strcasecmp(value, "SGX_ECDSA") != 0)) {
        return misuse("this format cannot be made: ", value);
    }
    return 0;
}

static int parse_value(const char *option, const char *value, struct options *o)
{
    if (is(option, "-f", "--format")) {
        return set_format(value, o);
    }
    if (is(option, "-p", "--quote-proc")) {
        if (strcasecmp(value, "in") == 0) {
            (void)unsetenv("SGX_AESM_ADDR");
        } else if (strcasecmp(value, "out") == 0) {
            (void)setenv("SGX_AESM_ADDR", "1", 1);
        } else {
            return misuse("--quote-proc takes in or out, not ", value);
        }
    } else if (is(option, "-o", "--out")) {
        o->out = value;
    } else if (is(option, "-e", "--endorsements")) {
        o->endorsements = value;
    } else if (is(option, "-l", "--log")) {
        o->log = value;
    } else {
        return misuse("unknown option ", option);
    }
    return 0;
}

static int parse(int argc, char **argv, struct options *o)
{
    for (int i = 0; i < argc; i++) {
        int code = 0;

        if (is(argv[i], "-f", "--format") && i + 1 < argc && strcasecmp(argv[i + 1], "cert") == 0) {
            if (i + 3 >= argc) {
                return misuse("a certificate needs two keys: -f cert K P", "");
            }
            o->format = "certificate";
            o->report = false;
            o->private_key = argv[i + 2];
            o->public_key = argv[i + 3];
            i += 3;
        } else if (is(argv[i], "-v", "--verify")) {
            o->verify = true;
        } else if (strcasecmp(argv[i], "--verbose") == 0) {
            o->verbose = true;
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
    return o->format != NULL ? 0 : misuse("what to make is missing: -f FORMAT", "");
}

/* The enclave of this tool: installed, or as it was built. */
static bool find_enclave(char *out, size_t cap)
{
    return cm_cli_find("casemate/oeutil_enclave", out, cap) == CM_OK ||
           cm_cli_find("oeutil_enclave", out, cap) == CM_OK;
}

/* PEM with the NUL behind it that the API counts */
static uint8_t *read_key(const char *path, size_t *size)
{
    uint8_t *data = oe_show_read("oeutil", path, size);
    uint8_t *ended = data == NULL ? NULL : calloc(1, *size + 1);

    if (ended != NULL) {
        memcpy(ended, data, *size);
        *size += 1;
    }
    if (data != NULL) {
        cm_wipe(data, ended != NULL ? *size - 1 : *size);
    }
    free(data);
    return ended;
}

static oe_result_t make_certificate(oe_enclave_t *enclave, oe_result_t *inside,
                                    const struct options *o, struct made *m)
{
    size_t private_size = 0;
    size_t public_size = 0;
    uint8_t *private_key = read_key(o->private_key, &private_size);
    uint8_t *public_key = private_key == NULL ? NULL : read_key(o->public_key, &public_size);
    oe_result_t result = OE_INVALID_PARAMETER;

    if (public_key != NULL) {
        result = oeutil_certificate(enclave, inside, private_key, private_size, public_key,
                                    public_size, m->evidence, EVIDENCE_CAP, &m->size);
    }
    if (private_key != NULL) {
        cm_wipe(private_key, private_size);
    }
    free(private_key);
    free(public_key);
    return result;
}

static oe_result_t make(const struct options *o, struct made *m)
{
    char image[4096] = "";
    oe_enclave_t *enclave = NULL;
    oe_result_t inside = OE_FAILURE;
    oe_result_t result = OE_NOT_FOUND;

    if (!find_enclave(image, sizeof(image))) {
        cm_print_wrapped(stderr, "oeutil: ", "its enclave (oeutil_enclave) is not installed");
        return result;
    }
    result = oe_create_oeutil_enclave(image, OE_ENCLAVE_TYPE_SGX, OE_ENCLAVE_FLAG_DEBUG, NULL, 0,
                                      &enclave);
    if (result != OE_OK) {
        return result;
    }
    if (o->private_key != NULL) {
        result = make_certificate(enclave, &inside, o, m);
    } else if (o->report) {
        result = oeutil_report(enclave, &inside, m->evidence, EVIDENCE_CAP, &m->size);
    } else {
        result = oeutil_evidence(enclave, &inside, &o->id, o->endorsements != NULL, m->evidence,
                                 EVIDENCE_CAP, &m->size, m->endorsements, ENDORSEMENTS_CAP,
                                 &m->endorsements_size);
    }
    (void)oe_terminate_enclave(enclave);
    return result == OE_OK ? inside : result;
}

static oe_result_t verify(const struct options *o, const struct made *m)
{
    const bool endorsed = m->endorsements_size != 0;
    oe_claim_t *claims = NULL;
    size_t count = 0;
    oe_result_t result = oe_verifier_initialize();

    cm_attest_accept_debug(); /* it is this tool's own enclave, made a moment ago */
    if (result == OE_OK && o->private_key != NULL) {
        result = oe_verify_attestation_certificate_with_evidence_v2(m->evidence, m->size, NULL, 0,
                                                                    NULL, 0, &claims, &count);
    } else if (result == OE_OK) {
        result = oe_verify_evidence(&o->id, m->evidence, m->size, endorsed ? m->endorsements : NULL,
                                    m->endorsements_size, NULL, 0, &claims, &count);
    }
    if (o->verbose && count != 0) {
        oe_show_claims(claims, count);
    }
    (void)oe_free_claims(claims, count);
    (void)oe_verifier_shutdown();
    (void)printf("Verification %s (%s).\n", result == OE_OK ? "succeeded" : "failed",
                 oe_result_str(result));
    return result;
}

static int run(const struct options *o, struct made *m)
{
    oe_result_t result = make(o, m);

    if (result != OE_OK) {
        cm_print_wrapped(stderr, "oeutil: no evidence could be made: ", oe_result_str(result));
        return EXIT_FAILED;
    }
    (void)printf("Made %s, %zu bytes.\n", o->format, m->size);
    if (o->out != NULL && !oe_show_write("oeutil", o->out, m->evidence, m->size)) {
        return EXIT_FAILED;
    }
    if (o->endorsements != NULL &&
        !oe_show_write("oeutil", o->endorsements, m->endorsements, m->endorsements_size)) {
        return EXIT_FAILED;
    }
    return o->verify && verify(o, m) != OE_OK ? EXIT_FAILED : 0;
}

int oeutil_generate_evidence(int argc, char **argv)
{
    struct options o = {0};
    struct made *m = NULL;
    int code = parse(argc, argv, &o);

    if (code != 0) {
        return code;
    }
    if ((o.report || o.private_key != NULL) && o.endorsements != NULL) {
        return misuse("only SGX_ECDSA comes with endorsements; see get-endorsements", "");
    }
    if (o.log != NULL && freopen(o.log, "w", stderr) == NULL) {
        return EXIT_FAILED;
    }
    m = calloc(1, sizeof(*m));
    if (m == NULL) {
        return EXIT_FAILED;
    }
    code = run(&o, m);
    free(m);
    return code;
}
