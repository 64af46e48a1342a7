/* casemate collateral: see casemate_collateral.h. */
#include "casemate_collateral.h"

#include <string.h>

#include "casemate_args.h"
#include "cli/cli_collateral.h"
#include "common/hex.h"

static const char help_collateral[] =
    "Usage: casemate collateral [options] --output PATH QUOTE\n"
    "       casemate collateral [options] --output PATH --fmspc HEX --pck-ca CA\n"
    "\n"
    "Fetches what Intel publishes about a platform (TCB info, QE identity,\n"
    "revocation lists), for the platform of QUOTE or of an FMSPC, and writes it\n"
    "where casemate verify --collateral and CASEMATE_COLLATERAL find it: for\n"
    "machines without a network. What is fresh is taken from the cache in your\n"
    "state folder.\n"
    "\n"
    "  --output PATH   a folder that exists, or a file, which becomes one bundle\n"
    "  --fmspc HEX     12 digits\n"
    "  --pck-ca CA     `processor` or `platform`: whose the PCK certificate is\n"
    "  --tdx           TCB info and QE identity for TDX\n"
    "  --url URL       a service (PCS, PCCS or Azure's) by its address, up to\n"
    "                  /sgx/certification/v4; default: CASEMATE_PCCS_URL,\n"
    "                  AZDCAP_BASE_CERT_URL, /etc/sgx_default_qcnl.conf, or Intel's\n"
    "  --tls-ca FILE   trust these certificates (PEM) for TLS, not the system's\n"
    "  --update WHEN   `early` or `standard`: which TCB info where both are served\n"
    "  --no-cache      ask the service for everything, and keep nothing\n"
    "\n"
    "Exit status: 0 written, 1 it could not be had, 2 wrong usage.\n";

static bool parse_value(const char *option, const char *value, struct cm_cli_collateral *c,
                        bool *has_key)
{
    if (strcmp(option, "--output") == 0) {
        c->output = value;
    } else if (strcmp(option, "--url") == 0) {
        c->url = value;
    } else if (strcmp(option, "--tls-ca") == 0) {
        c->tls_ca = value;
    } else if (strcmp(option, "--fmspc") == 0) {
        *has_key =
            cm_hex_decode(cm_span_make(value, strlen(value)), c->key.fmspc, sizeof(c->key.fmspc));
        if (!*has_key) {
            (void)usage("collateral --fmspc takes 12 hexadecimal digits, not ", value);
        }
        return *has_key;
    } else if (strcmp(option, "--pck-ca") == 0 &&
               (strcmp(value, "processor") == 0 || strcmp(value, "platform") == 0)) {
        c->key.platform_ca = strcmp(value, "platform") == 0;
    } else if (strcmp(option, "--update") == 0 &&
               (strcmp(value, "early") == 0 || strcmp(value, "standard") == 0)) {
        c->update = value;
    } else {
        (void)usage("collateral: unknown option, or not a value of it: ", option);
        return false;
    }
    return true;
}

static bool parse(int argc, char **argv, struct cm_cli_collateral *c)
{
    bool has_key = false;
    bool has_ca = false;

    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--tdx") == 0) {
            c->key.tdx = true;
        } else if (strcmp(argv[i], "--no-cache") == 0) {
            c->no_cache = true;
        } else if (argv[i][0] == '-' && i + 1 < argc) {
            has_ca = has_ca || strcmp(argv[i], "--pck-ca") == 0;
            if (!parse_value(argv[i], argv[i + 1], c, &has_key)) {
                return false;
            }
            i++;
        } else if (argv[i][0] == '-' || c->quote != NULL) {
            (void)usage("collateral: unknown option, value missing, or second QUOTE: ", argv[i]);
            return false;
        } else {
            c->quote = argv[i];
        }
    }
    if (c->output == NULL) {
        (void)usage("collateral needs --output PATH", "");
        return false;
    }
    if ((c->quote != NULL) == has_key || has_ca != has_key || (c->key.tdx && !has_key)) {
        (void)usage("collateral needs a QUOTE, or --fmspc with --pck-ca", "");
        return false;
    }
    return true;
}

int cm_command_collateral(int argc, char **argv)
{
    struct cm_cli_collateral c = {0};
    struct cm_why why = {{0}};
    enum cm_status st = CM_OK;

    if (argc >= 1 && is_help(argv[argc - 1])) {
        return help(help_collateral);
    }
    if (!parse(argc, argv, &c)) {
        return EXIT_USAGE;
    }
    st = cm_cli_collateral(&c, stdout, &why);
    if (st != CM_OK) {
        cm_print_wrapped(stderr, "casemate: ", why.text[0] != '\0' ? why.text : cm_status_str(st));
        return EXIT_FAILED;
    }
    return 0;
}
