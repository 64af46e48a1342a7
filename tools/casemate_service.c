/* casemate-service: the attestation and key release service. `casemate serve` and `casemate audit` run
 * it. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "casemate_args.h"
#include "casemate_audit.h"
#include "os/os.h"
#include "serve/serve_run.h"

static const char help_head[] =
    "Usage: casemate serve [options]\n"
    "       casemate serve backup FILE [options]\n"
    "       casemate serve restore FILE [options]\n"
    "       casemate serve rewrap WHERE [options]\n"
    "\n"
    "An attestation service and key release service with an embedded store: the APIs\n"
    "of Azure Attestation, of Azure Key Vault's secure key release and of the\n"
    "Confidential Containers key broker, and a dashboard. It says where it is reached;\n"
    "the first start leaves a set-up code for the first admin in a file of its own.\n"
    "\n"
    "  backup FILE    the store as one file, while it is in use\n"
    "  restore FILE   a new store out of that file, if its audit log verifies\n"
    "  rewrap WHERE   put the store's root key elsewhere\n"
    "\n"
    "Options, also in the environment (--public-url is CASEMATE_SERVE_PUBLIC_URL) and\n"
    "in a file of lines \"public-url = ...\"; options count before the environment,\n"
    "that before the file:\n"
    "\n"
    "  --config FILE\n"
    "        the file\n";

static const char help_tail[] =
    "\n"
    "SIGHUP: read the configuration and TLS files again. SIGTERM: answer what has come\n"
    "in, then end. docs/service.md has the rest.\n"
    "\n"
    "Exit status: 0 ended as told, 1 failed, 2 wrong usage.\n";

static int failed(enum cm_status st, const struct cm_why *why)
{
    cm_print_wrapped(stderr,
                     "casemate: serve: ", why->text[0] != '\0' ? why->text : cm_status_str(st));
    return st == CM_ERR_PARAM ? EXIT_USAGE : EXIT_FAILED;
}

static int print_help(void)
{
    (void)fputs(help_head, stdout);
    cm_serve_config_help(stdout);
    (void)fputs(help_tail, stdout);
    return 0;
}

static int serve(int argc, char **argv)
{
    static const struct {
        const char *name;
        enum cm_status (*run)(const struct cm_serve_args *args, const char *what, FILE *out,
                              struct cm_why *why);
    } jobs[] = {
        {"backup", cm_serve_backup}, {"restore", cm_serve_restore}, {"rewrap", cm_serve_rewrap}};
    struct cm_serve_args args = {argc, argv, environ};
    struct cm_why why = {""};
    enum cm_status st = CM_OK;

    for (int i = 0; i < argc; i++) {
        if (is_help(argv[i])) {
            return print_help();
        }
    }
    if (argc == 0 || argv[0][0] == '-') {
        st = cm_serve_run(&args, stdout, &why);
        return st == CM_OK ? 0 : failed(st, &why);
    }
    for (size_t i = 0; i < sizeof(jobs) / sizeof(jobs[0]); i++) {
        if (strcmp(argv[0], jobs[i].name) == 0) {
            if (argc < 2 || argv[1][0] == '-') {
                return misuse_of("casemate: ", "casemate serve", jobs[i].name,
                                 " needs to be told what");
            }
            args.argc -= 2;
            args.argv += 2;
            st = jobs[i].run(&args, argv[1], stdout, &why);
            return st == CM_OK ? 0 : failed(st, &why);
        }
    }
    return misuse_of("casemate: ", "casemate serve", "unknown word ", argv[0]);
}

static int dispatch(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(int argc, char **argv);
    } commands[] = {{"serve", serve}, {"audit", cm_command_audit}};

    for (size_t i = 0; argc > 1 && i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(argv[1], commands[i].name) == 0) {
            return commands[i].run(argc - 2, argv + 2);
        }
    }
    if (argc > 1 && strcmp(argv[1], "--version") == 0) {
        return printf("casemate-service %s\n", CM_VERSION) < 0 ? EXIT_FAILED : 0;
    }
    return argc > 1 && is_help(argv[1])
               ? print_help()
               : misuse_of("casemate-service: ", "casemate serve", "what is it to do?", "");
}

int main(int argc, char **argv)
{
    struct cm_why why = {{0}};
    const int code = dispatch(argc, argv);
    const enum cm_status st = cm_stdout_finish(&why);

    return st == CM_OK ? code : failed(st, &why);
}
