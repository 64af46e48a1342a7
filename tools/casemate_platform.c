/* casemate platform, casemate pccs: see casemate_platform.h. */
#include "casemate_platform.h"

#include <stdlib.h>
#include <string.h>

#include "casemate_args.h"
#include "cli/cli_platform.h"

static const char help_platform[] =
    "Usage: casemate platform show [--json]\n"
    "       casemate platform set-tcb STATUS\n"
    "       casemate platform revoke | rotate | reset --yes\n"
    "       casemate platform export DIR\n"
    "\n"
    "The EMULATED SGX platform of this user, made at first use. It makes quotes for\n"
    "the emulator and protects nothing. Its state can be changed so that programs can\n"
    "test what they accept; every change is seen by running programs at once.\n"
    "\n"
    "  show             root, identity, statuses, dates\n"
    "  set-tcb STATUS   UpToDate, SWHardeningNeeded, ConfigurationNeeded,\n"
    "                   ConfigurationAndSWHardeningNeeded, OutOfDate,\n"
    "                   OutOfDateConfigurationNeeded or Revoked\n"
    "  revoke           put the PCK certificate on the revocation list\n"
    "  rotate           new attestation, PCK and TCB signing keys under the same root\n"
    "  reset --yes      a new platform with a new root: everything sealed is lost\n"
    "  export DIR       its collateral and root, for casemate verify --collateral\n"
    "\n"
    "Exit status: 0 done, 1 failed, 2 wrong usage.\n";

static const char help_pccs[] =
    "Usage: casemate pccs [--port N] [--listen ADDRESS]\n"
    "\n"
    "Serves the EMULATED platform's collateral as Intel's caching service does (PCCS\n"
    "REST API, versions 3 and 4, plain HTTP) until Ctrl-C or SIGTERM.\n"
    "\n"
    "  --port N          default 8081; 0 takes any free one and prints it\n"
    "  --listen ADDRESS  default 127.0.0.1; numeric\n"
    "\n"
    "Exit status: 0 ended by a signal, 1 failed, 2 wrong usage.\n";

static int failed(enum cm_status st, const struct cm_why *why)
{
    (void)fprintf(stderr, "casemate: %s\n", why->text[0] != '\0' ? why->text : cm_status_str(st));
    return st == CM_ERR_PARAM ? EXIT_USAGE : EXIT_FAILED;
}

/* the changes that take nothing */
static int change(const char *name, enum cm_status (*run)(FILE *, struct cm_why *), int argc,
                  char **argv)
{
    struct cm_why why = {{0}};
    enum cm_status st = CM_OK;

    if (argc != 0) {
        (void)fprintf(stderr, "casemate: platform %s: ", name);
        return usage("it takes nothing, not ", argv[0]);
    }
    st = run(stdout, &why);
    return st == CM_OK ? 0 : failed(st, &why);
}

static int reset(int argc, char **argv)
{
    if (argc != 1 || strcmp(argv[0], "--yes") != 0) {
        return usage("all that was sealed is lost; if so: platform reset --yes", "");
    }
    return change("reset", cm_cli_platform_reset, 0, NULL);
}

static int show(int argc, char **argv)
{
    struct cm_why why = {{0}};
    bool json = argc == 1 && strcmp(argv[0], "--json") == 0;
    enum cm_status st = CM_OK;

    if (argc != 0 && !json) {
        return usage("platform show: unknown option ", argv[0]);
    }
    st = cm_cli_platform_show(json, stdout, &why);
    return st == CM_OK ? 0 : failed(st, &why);
}

int cm_command_platform(int argc, char **argv)
{
    struct cm_why why = {{0}};
    enum cm_status st = CM_OK;
    const char *what = argc == 0 ? "" : argv[0];

    if (argc >= 1 && is_help(argv[argc - 1])) {
        return help(help_platform);
    }
    if (strcmp(what, "show") == 0) {
        return show(argc - 1, argv + 1);
    }
    if (strcmp(what, "revoke") == 0) {
        return change(what, cm_cli_platform_revoke, argc - 1, argv + 1);
    }
    if (strcmp(what, "rotate") == 0) {
        return change(what, cm_cli_platform_rotate, argc - 1, argv + 1);
    }
    if (strcmp(what, "reset") == 0) {
        return reset(argc - 1, argv + 1);
    }
    if (strcmp(what, "set-tcb") == 0 && argc == 2) {
        st = cm_cli_platform_set_tcb(argv[1], stdout, &why);
        return st == CM_OK ? 0 : failed(st, &why);
    }
    if (strcmp(what, "export") == 0 && argc == 2 && argv[1][0] != '-') {
        st = cm_cli_platform_export(argv[1], stdout, &why);
        return st == CM_OK ? 0 : failed(st, &why);
    }
    return usage("platform takes show, set-tcb STATUS, revoke, rotate, reset --yes or export DIR",
                 "");
}

static bool parse_port(const char *text, uint16_t *out)
{
    size_t len = strlen(text);
    unsigned long n = 0;

    if (len == 0 || len > 5 || strspn(text, "0123456789") != len) {
        return false;
    }
    n = strtoul(text, NULL, 10);
    *out = (uint16_t)n;
    return n <= UINT16_MAX;
}

int cm_command_pccs(int argc, char **argv)
{
    const char *address = "127.0.0.1";
    struct cm_why why = {{0}};
    uint16_t port = 8081;
    enum cm_status st = CM_OK;

    if (argc >= 1 && is_help(argv[argc - 1])) {
        return help(help_pccs);
    }
    for (int i = 0; i < argc; i += 2) {
        bool more = i + 1 < argc;

        if (more && strcmp(argv[i], "--port") == 0) {
            if (!parse_port(argv[i + 1], &port)) {
                return usage("pccs --port takes 0 to 65535, not ", argv[i + 1]);
            }
        } else if (more && strcmp(argv[i], "--listen") == 0) {
            address = argv[i + 1];
        } else {
            return usage("pccs: unknown option, or its value is missing: ", argv[i]);
        }
    }
    st = cm_cli_pccs_serve(address, port, stdout, &why);
    return st == CM_OK ? 0 : failed(st, &why);
}
