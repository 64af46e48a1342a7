/* oeutil: evidence, endorsements and FMSPC, as the Open Enclave SDK's tool of that name. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "attest/attest_wire.h"
#include "casemate_args.h"
#include "oe_show.h"
#include "oeutil_generate.h"
#include "quoting/quoting.h"

static const char help_text[] =
    "Usage: oeutil COMMAND [options]\n"
    "\n"
    "  generate-evidence   evidence of an enclave of its own\n"
    "  get-endorsements    the endorsements of evidence: -i FILE -o FILE\n"
    "  get-fmspc           the platform's FMSPC in evidence: -i FILE\n"
    "\n"
    "Commands may be shortened: oeutil gen. oeutil COMMAND --help says more.\n"
    "Exit status: 0 done, 1 failed, 2 wrong usage.\n";

static const char help_endorsements[] =
    "Usage: oeutil get-endorsements --input FILE --out FILE\n"
    "\n"
    "Fetches the endorsements of SGX or TDX evidence, a remote report or a quote,\n"
    "from where docs/quoting.md says. Nothing is verified: see oeverify. Refused for\n"
    "a quote without a PCK chain (certification data 1 to 4), which only casemate\n"
    "verify can verify.\n"
    "\n"
    "  -i, --input FILE   the evidence\n"
    "  -o, --out FILE     the endorsements\n";

static const char help_fmspc[] =
    "Usage: oeutil get-fmspc --input FILE\n"
    "\n"
    "Prints the FMSPC of the PCK certificate in SGX or TDX evidence, a remote report\n"
    "or a quote. Nothing is verified.\n"
    "\n"
    "  -i, --input FILE   the evidence\n";

struct files {
    const char *input;
    const char *output;
};

static int misuse(const char *problem, const char *detail)
{
    return misuse_of("oeutil: ", "oeutil", problem, detail);
}

static int parse(int argc, char **argv, bool with_output, struct files *f)
{
    for (int i = 0; i < argc; i += 2) {
        if (i + 1 < argc &&
            (strcasecmp(argv[i], "-i") == 0 || strcasecmp(argv[i], "--input") == 0)) {
            f->input = argv[i + 1];
        } else if (with_output && i + 1 < argc &&
                   (strcasecmp(argv[i], "-o") == 0 || strcasecmp(argv[i], "--out") == 0)) {
            f->output = argv[i + 1];
        } else {
            return misuse("unknown option, or its value is missing: ", argv[i]);
        }
    }
    if (f->input == NULL) {
        return misuse("evidence is missing: -i FILE", "");
    }
    if (with_output && f->output == NULL) {
        return misuse("where to write is missing: -o FILE", "");
    }
    return 0;
}

static int get_fmspc(int argc, char **argv)
{
    struct files f = {NULL, NULL};
    size_t size = 0;
    uint8_t *data = NULL;
    int code = parse(argc, argv, false, &f);

    if (code != 0) {
        return code;
    }
    data = oe_show_read("oeutil", f.input, &size);
    if (data == NULL) {
        return EXIT_FAILED;
    }
    code = oe_show_fmspc("oeutil", cm_span_make(data, size));
    free(data);
    return code;
}

/* Emulated quotes have their collateral from the emulated platform, if emulation is asked for. */
static enum cm_status fetch(struct cm_span quote, uint8_t **out, size_t *size, struct cm_why *why)
{
    const char *simulation = getenv("OE_SIMULATION");
    const struct cm_quoting *maker = NULL;
    struct cm_quoting_collateral *c = NULL;
    struct cm_dcap_collateral view;
    const time_t now = time(NULL);
    enum cm_status st = CM_OK;

    if (cm_pck_chain_elsewhere(quote, why)) {
        return CM_ERR_UNSUPPORTED;
    }
    if (simulation != NULL && strcmp(simulation, "1") == 0) {
        st = cm_quoting_choose(true, &maker, why);
    }
    if (st == CM_OK) {
        st = cm_quoting_collateral(maker, quote, cm_span_make(NULL, 0), &c, why);
    }
    if (st == CM_OK) {
        view = cm_quoting_collateral_view(c);
        if (cm_endorsements_make(&view, quote, now > 0 ? (uint64_t)now : 0, out, size) != OE_OK) {
            st = CM_ERR_FORMAT;
        }
    }
    cm_quoting_collateral_free(c);
    return st;
}

static int get_endorsements(int argc, char **argv)
{
    struct files f = {NULL, NULL};
    struct cm_why why = {""};
    struct cm_span quote = {NULL, 0};
    uint8_t *made = NULL;
    uint8_t *data = NULL;
    size_t made_size = 0;
    size_t size = 0;
    enum cm_status st = CM_ERR_FORMAT;
    int code = parse(argc, argv, true, &f);

    if (code != 0) {
        return code;
    }
    data = oe_show_read("oeutil", f.input, &size);
    if (data == NULL) {
        return EXIT_FAILED;
    }
    quote = oe_show_quote(cm_span_make(data, size));
    if (quote.ptr == NULL) {
        cm_why_set(&why, "there is no quote in this evidence");
    } else {
        st = fetch(quote, &made, &made_size, &why);
    }
    if (st != CM_OK) {
        cm_print_wrapped(stderr, "oeutil: ", why.text[0] != '\0' ? why.text : cm_status_str(st));
        code = EXIT_FAILED;
    } else if (!oe_show_write("oeutil", f.output, made, made_size)) {
        code = EXIT_FAILED;
    } else {
        (void)printf("Endorsements, %zu bytes.\n", made_size);
    }
    free(made);
    free(data);
    return code;
}

static int dispatch(int argc, char **argv)
{
    static const struct {
        const char *name;
        size_t least; /* characters that tell it from the others */
        int (*run)(int argc, char **argv);
        const char *help;
    } commands[] = {
        {"generate-evidence", 3, oeutil_generate_evidence, oeutil_help_generate},
        {"get-endorsements", 5, get_endorsements, help_endorsements},
        {"get-fmspc", 5, get_fmspc, help_fmspc},
    };

    if (argc < 2) {
        (void)fputs(help_text, stderr);
        return EXIT_USAGE;
    }
    if (is_help(argv[1])) {
        return help(help_text);
    }
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        const size_t n = strlen(argv[1]);

        if (n >= commands[i].least && strncasecmp(argv[1], commands[i].name, n) == 0) {
            return argc > 2 && is_help(argv[argc - 1]) ? help(commands[i].help)
                                                       : commands[i].run(argc - 2, argv + 2);
        }
    }
    return misuse("unknown command ", argv[1]);
}

int main(int argc, char **argv)
{
    struct cm_why why = {""};
    const int code = dispatch(argc, argv);

    if (cm_stdout_finish(&why) != CM_OK) {
        cm_print_wrapped(stderr, "oeutil: ", why.text);
        return code != 0 ? code : EXIT_FAILED;
    }
    return code;
}
