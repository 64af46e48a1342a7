/* casemate: projects, the machine, images, running programs, evidence, the emulated platform. */
#include <stdio.h>
#include <string.h>

#include "casemate_args.h"
#include "casemate_attest.h"
#include "casemate_collateral.h"
#include "casemate_eif.h"
#include "casemate_evidence.h"
#include "casemate_platform.h"
#include "casemate_policy.h"
#include "casemate_predict.h"
#include "casemate_serve.h"
#include "cli/cli.h"
#include "os/os.h"

static const char help_text[] =
    "Usage: casemate <command> [options]\n"
    "\n"
    "  new NAME              a new project in ./NAME: host, enclave, EDL, build file\n"
    "  doctor                what this machine offers, and what to do about the rest\n"
    "  inspect IMAGE         what is in an enclave image: measurement, signer, pages\n"
    "  run PROGRAM [ARG...]  run a program; --profile counts its ecalls and ocalls\n"
    "  attest --nonce HEX    collect evidence of the guest that this runs on\n"
    "  verify FILE           verify the evidence of any TEE, offline\n"
    "  evidence show FILE    what the evidence of any TEE says of itself\n"
    "  quote show FILE       every field of a quote and what it means\n"
    "  policy COMMAND        check, explain, hash and test policies\n"
    "  predict snp           the launch measurement of a guest, from its firmware\n"
    "  collateral QUOTE      fetch what verify needs about a quote's platform\n"
    "  eif COMMAND           AWS Nitro image files: describe, pcrs, build, sign\n"
    "  platform COMMAND      the EMULATED platform: show, set-tcb, revoke, ...\n"
    "  pccs                  serve the EMULATED platform's collateral over HTTP\n"
    "  serve                 the attestation and key release service\n"
    "  audit COMMAND         verify and export the service's audit log\n"
    "\n"
    "  casemate <command> --help   more about a command\n"
    "  casemate --version\n"
    "\n"
    "See also: oesign (sign, predict), oeedger8r (EDL compiler).\n"
    "Exit status: 0 done, 1 failed, 2 wrong usage; verify has more.\n";

static const char help_new[] =
    "Usage: casemate new NAME\n"
    "\n"
    "Makes ./NAME with a host program, an enclave, the EDL file between them, one\n"
    "CMakeLists.txt, editor tasks and a .gitignore. It builds, runs and debugs as it\n"
    "is. NAME has 1 to 32 of a-z, 0-9 and '_' and begins with a letter. Nothing that\n"
    "exists is ever changed.\n";

static const char help_doctor[] =
    "Usage: casemate doctor [--json] [--require hardware|emulator]\n"
    "       casemate doctor --hardware-selftest [--output FILE]\n"
    "\n"
    "Looks at the processor, the kernel, the SGX devices, Intel's DCAP libraries and\n"
    "at what the emulator needs, and says what to do about what is missing.\n"
    "\n"
    "  --json           for programs\n"
    "  --require WHAT   fail unless enclaves run on `hardware`, or in the `emulator`\n"
    "  --hardware-selftest\n"
    "                   create an enclave on SGX hardware, have a quote made of it,\n"
    "                   verify it; prints a report (JSON) to be sent to others: no\n"
    "                   quote, no certificate, nothing that names you or the platform\n"
    "  --output FILE    the report into FILE\n"
    "\n"
    "Exit status: 0 enclaves run here (as required), 1 they do not, 2 wrong usage.\n";

static const char help_inspect[] =
    "Usage: casemate inspect [--json] IMAGE\n"
    "\n"
    "Prints the measurement (MRENCLAVE), the signer (MRSIGNER) and whether the\n"
    "signature is good, the properties, the pages, and warnings: debugging allowed,\n"
    "not signed, changed after signing, instructions that fault inside.\n"
    "\n"
    "Exit status: 0 it is an enclave image (warnings or not), 1 it is none, 2 wrong\n"
    "usage.\n";

static const char help_run[] =
    "Usage: casemate run [options] [--] PROGRAM [ARG...]\n"
    "\n"
    "Runs a program with enclaves in the emulator (OE_SIMULATION=1), unless told\n"
    "otherwise. The emulator protects nothing from the owner of the machine.\n"
    "\n"
    "  --hardware       do not simulate: SGX hardware or nothing\n"
    "  --preload        serve /dev/sgx_enclave from the emulator, so that a program\n"
    "                   of any SDK runs\n"
    "  --profile        afterwards, a table of calls, bytes and time of each ecall\n"
    "                   and ocall, on standard error (programs linked with liboehost)\n"
    "  --json           the profile as JSON\n"
    "  --output FILE    the profile into FILE\n"
    "\n"
    "--preload reaches programs with a dynamic linker; static ones and those that run\n"
    "with the rights of others (setuid) are refused.\n"
    "\n"
    "Exit status: the program's; 128 and the signal that ended it; 127 when it is\n"
    "not found, 126 when it cannot be started or served, 125 when casemate itself\n"
    "failed; 2 wrong usage.\n";

static int failed(enum cm_status st, const struct cm_why *why)
{
    cm_print_wrapped(stderr, "casemate: ", why->text[0] != '\0' ? why->text : cm_status_str(st));
    return EXIT_FAILED;
}

/* The same about a file, named once. */
static int failed_on(const char *path, enum cm_status st, const struct cm_why *why)
{
    char text[8192] = "";

    if (cm_why_names(why, path)) {
        return failed(st, why);
    }
    (void)snprintf(text, sizeof(text), "%s: %s", path,
                   why->text[0] != '\0' ? why->text : cm_status_str(st));
    cm_print_wrapped(stderr, "casemate: ", text);
    return EXIT_FAILED;
}

static int command_new(int argc, char **argv)
{
    struct cm_why why = {{0}};
    enum cm_status st = CM_OK;

    if (argc == 1 && is_help(argv[0])) {
        return help(help_new);
    }
    if (argc != 1) {
        return usage("new needs one NAME", "");
    }
    if (argv[0][0] == '-') {
        return usage("new: unknown option ", argv[0]);
    }
    st = cm_cli_new(".", argv[0], stdout, &why);
    return st == CM_OK ? 0 : failed(st, &why);
}

struct doctor {
    const char *require;
    const char *output;
    bool json;
    bool selftest;
};

/* the options of doctor; 0, or an exit status after a message */
static int parse_doctor(int argc, char **argv, struct doctor *d)
{
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            d->json = true;
        } else if (strcmp(argv[i], "--hardware-selftest") == 0) {
            d->selftest = true;
        } else if (strcmp(argv[i], "--require") == 0 && i + 1 < argc) {
            i++;
            d->require = argv[i];
        } else if (strcmp(argv[i], "--output") == 0 && i + 1 < argc) {
            i++;
            d->output = argv[i];
        } else {
            return usage("doctor: unknown option, or its value is missing: ", argv[i]);
        }
    }
    if (d->require != NULL && strcmp(d->require, "hardware") != 0 &&
        strcmp(d->require, "emulator") != 0) {
        return usage("doctor --require takes hardware or emulator, not ", d->require);
    }
    if (d->selftest && (d->json || d->require != NULL)) {
        return usage("doctor: --hardware-selftest goes with --output alone", "");
    }
    if (!d->selftest && d->output != NULL) {
        return usage("doctor: --output is about --hardware-selftest, which is not given", "");
    }
    return 0;
}

static int command_doctor(int argc, char **argv)
{
    struct cm_machine machine;
    struct cm_diagnosis diagnosis;
    struct doctor d = {0};
    struct cm_why why = {{0}};
    enum cm_status st = CM_OK;
    bool good = false;
    int code = 0;

    if (argc > 0 && is_help(argv[argc - 1])) {
        return help(help_doctor);
    }
    code = parse_doctor(argc, argv, &d);
    if (code != 0) {
        return code;
    }
    if (d.selftest) {
        st = cm_cli_selftest(CM_VERSION, d.output, stdout, &good, &why);
        return st != CM_OK ? failed(st, &why) : (good ? 0 : EXIT_FAILED);
    }
    cm_machine_probe(&machine);
    cm_machine_diagnose(&machine, &diagnosis);
    st = cm_diagnosis_print(&machine, &diagnosis, d.json, stdout);
    if (st != CM_OK) {
        return failed(st, &why);
    }
    good = diagnosis.hardware || diagnosis.emulator;
    if (d.require != NULL) {
        good = strcmp(d.require, "hardware") == 0 ? diagnosis.hardware : diagnosis.emulator;
    }
    return good ? 0 : EXIT_FAILED;
}

static int command_inspect(int argc, char **argv)
{
    struct cm_why why = {{0}};
    enum cm_status st = CM_OK;
    const char *image = NULL;
    bool json = false;

    for (int i = 0; i < argc; i++) {
        if (is_help(argv[i])) {
            return help(help_inspect);
        }
        if (strcmp(argv[i], "--json") == 0) {
            json = true;
        } else if (argv[i][0] == '-') {
            return usage("inspect: unknown option ", argv[i]);
        } else if (image != NULL) {
            return usage("inspect takes one IMAGE, not also ", argv[i]);
        } else {
            image = argv[i];
        }
    }
    if (image == NULL) {
        return usage("inspect needs an IMAGE", "");
    }
    st = cm_cli_inspect(image, json, stdout, &why);
    return st == CM_OK ? 0 : failed_on(image, st, &why);
}

/* the options of run; the index of the program, or -1 after a message */
static int parse_run(int argc, char **argv, struct cm_run *r)
{
    int i = 0;

    for (; i < argc && argv[i][0] == '-'; i++) {
        if (strcmp(argv[i], "--") == 0) {
            i++;
            break;
        }
        if (strcmp(argv[i], "--preload") == 0) {
            r->preload = true;
        } else if (strcmp(argv[i], "--hardware") == 0) {
            r->hardware = true;
        } else if (strcmp(argv[i], "--profile") == 0) {
            r->profile = true;
        } else if (strcmp(argv[i], "--json") == 0) {
            r->json = true;
        } else if (strcmp(argv[i], "--output") == 0 && i + 1 < argc) {
            i++;
            r->output = argv[i];
        } else {
            (void)usage("run: unknown option, or its value is missing: ", argv[i]);
            return -1;
        }
    }
    if (i >= argc) {
        (void)usage("run needs a PROGRAM", "");
        return -1;
    }
    if ((r->json || r->output != NULL) && !r->profile) {
        (void)usage("run: --json and --output are about --profile, which is not given", "");
        return -1;
    }
    if (r->hardware && r->preload) {
        (void)usage("run: --hardware and --preload exclude each other", "");
        return -1;
    }
    return i;
}

static int command_run(int argc, char **argv)
{
    struct cm_run r = {0};
    struct cm_why why = {{0}};
    enum cm_status st = CM_OK;
    int code = 0;
    int at = 0;

    if (argc > 0 && is_help(argv[0])) {
        return help(help_run);
    }
    at = parse_run(argc, argv, &r);
    if (at < 0) {
        return EXIT_USAGE;
    }
    r.argv = argv + at;
    st = cm_cli_run(&r, &code, &why);
    if (st != CM_OK) {
        (void)failed(st, &why);
    }
    return code;
}

static int dispatch(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(int argc, char **argv);
    } commands[] = {{"new", command_new},
                    {"doctor", command_doctor},
                    {"inspect", command_inspect},
                    {"run", command_run},
                    {"attest", cm_command_attest},
                    {"verify", cm_command_verify},
                    {"evidence", cm_command_evidence},
                    {"quote", cm_command_quote},
                    {"predict", cm_command_predict},
                    {"collateral", cm_command_collateral},
                    {"platform", cm_command_platform},
                    {"policy", cm_command_policy},
                    {"eif", cm_command_eif},
                    {"pccs", cm_command_pccs}};

    if (argc < 2) {
        (void)fputs(help_text, stderr);
        return EXIT_USAGE;
    }
    if (is_help(argv[1])) {
        return help(help_text);
    }
    if (strcmp(argv[1], "--version") == 0) {
        return printf("casemate %s\n", CM_VERSION) < 0 ? EXIT_FAILED : 0;
    }
    if (strcmp(argv[1], "serve") == 0 || strcmp(argv[1], "audit") == 0) {
        return cm_command_service(argv);
    }
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(argv[1], commands[i].name) == 0) {
            return commands[i].run(argc - 2, argv + 2);
        }
    }
    return usage("unknown command ", argv[1]);
}

int main(int argc, char **argv)
{
    struct cm_why why = {{0}};
    const int code = dispatch(argc, argv);
    const enum cm_status st = cm_stdout_finish(&why);

    if (st == CM_OK) {
        return code;
    }
    (void)failed(st, &why);
    return code != 0 ? code : EXIT_FAILED;
}
