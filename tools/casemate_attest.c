/* casemate attest; see casemate_attest.h. */
#include "casemate_attest.h"

#include <stdlib.h>
#include <string.h>

#include "casemate_args.h"
#include "cli/cli_attest.h"
#include "common/hex.h"
#include "os/os.h"

static const char help_attest[] =
    "Usage: casemate attest --nonce HEX [options]\n"
    "\n"
    "Collects evidence of the guest that it runs on and writes it into files that\n"
    "casemate verify takes; prints the command. Most ways need root.\n"
    "\n"
    "  --nonce HEX      the verifier's challenge: 1 to 64 bytes in hexadecimal\n"
    "  --out FILE       the evidence; what belongs to it gets FILE.pcrs and so on\n"
    "                   (evidence.bin)\n"
    "  --from WAY       auto   the first of the following that is here\n"
    "                   tsm    Linux's configfs-tsm: AMD SEV-SNP, Intel TDX, Arm CCA\n"
    "                   nsm    /dev/nsm of AWS Nitro Enclaves\n"
    "                   azure  a confidential VM's TPM: report, quote\n"
    "                   tpm    a quote by a TPM\n"
    "  --ak HANDLE      tpm: the persistent key at this handle, such as 0x81010001,\n"
    "                   instead of one that is made of the endorsement seed\n"
    "  --svsm           tsm: ask the SVSM, and write its services' manifest as well\n"
    "\n"
    "The TPM is /dev/tpmrm0, or what the variable CASEMATE_TPM_TCTI names as\n"
    "libtss2-tctildr does.\n"
    "\n"
    "Exit status: 0 done, 1 it failed (the message says why), 2 wrong usage.\n";

static bool parse_nonce(const char *text, struct cm_cli_attest *a)
{
    const size_t n = strlen(text) / 2;

    if (n == 0 || n > sizeof(a->nonce) ||
        !cm_hex_decode(cm_span_make(text, strlen(text)), a->nonce, n)) {
        return false;
    }
    a->nonce_len = n;
    return true;
}

/* a persistent handle: 0x81000000 to 0x81FFFFFF */
static bool parse_handle(const char *text, uint32_t *out)
{
    char *end = NULL;
    unsigned long v = strncmp(text, "0x", 2) == 0 ? strtoul(text + 2, &end, 16) : 0;

    *out = (uint32_t)v;
    return v >> 24 == 0x81 && *end == '\0' && strlen(text) == 10;
}

static bool parse_value(const char *option, const char *value, struct cm_cli_attest *a)
{
    bool good = true;

    if (strcmp(option, "--nonce") == 0) {
        good = parse_nonce(value, a);
    } else if (strcmp(option, "--out") == 0) {
        a->output = value;
        good = value[0] != '\0';
    } else if (strcmp(option, "--from") == 0) {
        good = cm_attest_from(value, &a->from);
    } else if (strcmp(option, "--ak") == 0) {
        good = parse_handle(value, &a->ak);
    } else {
        (void)usage("attest: unknown option ", option);
        return false;
    }
    if (!good) {
        (void)usage("attest: not understood: ", value);
    }
    return good;
}

int cm_command_attest(int argc, char **argv)
{
    struct cm_cli_attest a = {.output = "evidence.bin"};
    struct cm_why why = {{0}};
    enum cm_status st = CM_OK;

    if (argc >= 1 && is_help(argv[argc - 1])) {
        return help(help_attest);
    }
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--svsm") == 0) {
            a.svsm = true;
        } else if (i + 1 == argc) {
            return usage("attest: unknown option, or its value is missing: ", argv[i]);
        } else if (!parse_value(argv[i], argv[i + 1], &a)) {
            return EXIT_USAGE;
        } else {
            i++;
        }
    }
    if (a.nonce_len == 0) {
        return usage("attest needs --nonce HEX: a verifier's challenge", "");
    }
    st = cm_cli_attest(&a, stdout, &why);
    if (st != CM_OK) {
        cm_print_wrapped(stderr, "casemate: ", why.text[0] != '\0' ? why.text : cm_status_str(st));
    }
    return st == CM_OK ? 0 : 1;
}
